"""The security and cache headers of every answer (R72-R79)."""

from typing import Final

from flask import Response, request

from app.web.current import services
from app.web.languages import translation

# Nothing inline, nothing from elsewhere.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HTML_POLICY: Final = f"{_POLICY}; form-action 'self'"
# Chromium applies form-action to every redirect that answers a form, and the way back to Messenger
# is one, or several (measured in Chromium 156): no page under /authorize may send it.
ATTEMPT_POLICY: Final = _POLICY
# Pages that differ by the cookie of a browser session: /connect and /connections.
_SESSIONS: Final = "/connect"
DATA_POLICY: Final = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"

ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
HSTS: Final = "max-age=31536000; includeSubDomains"
# For an address that changes with its content.
IMMUTABLE: Final = "public, max-age=31536000, immutable"


def of_data(*, is_production: bool) -> dict[str, str]:
    """Return the headers of an answer that is not a page, for Flask and for the fast path."""
    always = {**ALWAYS, "Content-Security-Policy": DATA_POLICY, "Cache-Control": "no-store"}
    return always | ({"Strict-Transport-Security": HSTS} if is_production else {})


def add_headers(response: Response) -> Response:
    """Add to *response* the headers of every answer of its kind."""
    headers = response.headers
    # One pass over all of them: to ask for each by name takes longer than to check a signature.
    present = {name.lower() for name, _ in headers}
    for name, value in ALWAYS.items():
        if name.lower() not in present:
            headers.add(name, value)
    is_attempt = request.path.startswith("/authorize")
    if is_attempt or request.path.startswith(_SESSIONS):
        response.vary.add("Cookie")
    if headers.get("Content-Type", "").startswith("text/html"):
        headers["X-Frame-Options"] = "DENY"
        headers["Cross-Origin-Embedder-Policy"] = "require-corp"
        policy = ATTEMPT_POLICY if is_attempt else HTML_POLICY
        if not is_attempt:
            # Messenger may have opened the sign-in page as a pop-up, which this would cut off.
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if "content-language" not in present:
            headers["Content-Language"] = translation.language()
            response.vary.add("Accept-Language")
    else:
        policy = DATA_POLICY
    if "content-security-policy" not in present:
        headers.add("Content-Security-Policy", policy)
    if "cache-control" not in present:
        headers.add("Cache-Control", "no-store")
    if services().settings.is_production and request.is_secure:
        headers["Strict-Transport-Security"] = HSTS
    return response
