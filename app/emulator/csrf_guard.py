"""Protection against other websites: CSRF, DNS rebinding, framing.

The emulator runs on a developer's computer, beside a browser that visits other sites.
"""

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

LOOPBACK_NAMES = {"127.0.0.1", "localhost", "::1"}
_PAGES = {"chat", "m_me", "inspector", "faults"}
# No form-action: Chromium applies it to the redirect after a form too, and Log In is a form that
# redirects to the business's login page.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def install_guard(app: Flask) -> None:
    """Refuse requests with foreign host names or from foreign forms, and add security headers."""
    app.before_request(_refuse_foreign)
    app.after_request(_add_headers)


def _refuse_foreign() -> None:
    # DNS rebinding: a foreign name that resolves to 127.0.0.1 would make us part of its origin.
    if _name_of(request.host) not in LOOPBACK_NAMES:
        abort(400)
    is_form = request.method == "POST" and request.blueprint in _PAGES
    if is_form and not _is_own_form():
        abort(403)


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_own_form() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    # Neither header: not a browser, so no CSRF.
    return origin is None or origin == request.host_url.rstrip("/")


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
