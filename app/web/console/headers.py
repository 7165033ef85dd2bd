"""The security and cache headers of every answer of the console (R72-R79, R139)."""

from typing import Final

from flask import Response, request

from app.web.current import services
from app.web.headers import ALWAYS, DATA_POLICY, HSTS

# No page needs a script, and none may run.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def add_headers(response: Response) -> Response:
    """Add to *response* the headers of every answer of its kind."""
    headers = response.headers
    for name, value in ALWAYS.items():
        headers[name] = value
    is_page = headers.get("Content-Type", "").startswith("text/html")
    headers["Content-Security-Policy"] = PAGE_POLICY if is_page else DATA_POLICY
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Embedder-Policy"] = "require-corp"
    headers["X-Frame-Options"] = "DENY"
    headers["X-Robots-Tag"] = "noindex"
    headers.setdefault("Cache-Control", "no-store")
    if is_page:
        headers["Content-Language"] = "en"
    if services().settings.console.is_https and request.is_secure:
        headers["Strict-Transport-Security"] = HSTS
    return response
