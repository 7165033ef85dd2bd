"""Checks of every request before its view runs: proxies, Host header, https, request id."""

import random
from collections.abc import Collection
from io import BytesIO
from typing import IO, Final
from urllib.parse import quote

import structlog
from flask import redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    NotFound,
    RequestEntityTooLarge,
    RequestHeaderFieldsTooLarge,
)

from app.infra.settings.settings import Settings
from app.web import door_warnings, forwarding, paths, proxy_warnings, request_reference
from app.web.current import services
from app.web.exceptions import NotByHttps
from app.web.fields import Fields
from app.web.server.head import Scope
from app.web.server.limits import (
    MOST_BODY_BYTES,
    MOST_COOKIES,
    MOST_LARGE_BYTES,
    MOST_PARAMETERS,
)

log = structlog.get_logger()

# Characters of a query that are not quoted; the percent sign too, since it has been quoted once.
_IN_QUERY: Final = "%&=+:/?,;@!$'()*-._~[]"
# Refused over plain http, not redirected: else it would go unnoticed that a program sends secrets
# unencrypted (OWASP ASVS 5.0, 4.1.2).
_NEVER_BY_HTTP: Final = (paths.API, paths.WEBHOOK, *paths.PRIVACY_CALLBACKS)


def receive() -> ResponseReturnValue | None:
    """Give the request an id, and refuse or redirect one that no view is to see."""
    name_request()
    if request.path != paths.WEBHOOK:
        # Of a delivery each event has its own, where its code was ours.
        request_reference.begin()
    # In every line, so that an incident can be told from the log: who did what, and from where.
    structlog.contextvars.bind_contextvars(address=request.remote_addr)
    door_warnings.warn_if_misdirected(request.path, request.query_string, request.headers)
    count_input()
    check_host()
    return require_https()


def name_request() -> None:
    """Give the request an id for all of its log lines."""
    structlog.contextvars.clear_contextvars()
    # No secret. The system's randomness would give up the interpreter's lock, for which deliveries
    # then wait again. A forked process has other numbers (docs.python.org, random, "seed").
    number = random.getrandbits(64)
    structlog.contextvars.bind_contextvars(request_id=f"{number:016x}")


def name_on_loop(scope: Scope, fields: Fields, settings: Settings) -> None:
    """Give a request on the event loop what `receive` gives the log lines of others."""
    name_request()
    structlog.contextvars.bind_contextvars(address=address_of(scope, fields, settings))


def count_input() -> None:
    """Check the size of everything that is parsed later, as the gateway does for `serve` (R45)."""
    environ = request.environ
    if environ["PATH_INFO"].startswith("//"):
        # Werkzeug drops all slashes but one.
        raise NotFound
    if request.query_string.count(b"&") >= MOST_PARAMETERS:
        raise BadRequest
    if request.headers.get("Cookie", "").count(";") >= MOST_COOKIES:
        raise RequestHeaderFieldsTooLarge
    most = MOST_LARGE_BYTES if request.path == paths.WEBHOOK else MOST_BODY_BYTES
    request.max_content_length = most
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge
    if "wsgi.input_terminated" in environ:
        # Of a chunked body Werkzeug would take what fits for all of it.
        environ["wsgi.input"] = BytesIO(_chunked(environ["wsgi.input"], most))


def _chunked(stream: IO[bytes], most: int) -> bytes:
    try:
        content = stream.read(most + 1)
    except OSError as exc:
        raise BadRequest from exc
    if len(content) > most:
        raise RequestEntityTooLarge
    return content


def check_host() -> None:
    """Refuse a request for another host (R85)."""
    if request.path in paths.MONITORING:
        return
    if not is_our_name(request.headers.get("Host", ""), services().settings):
        log.info("request.foreign_host")
        raise BadRequest


def is_our_name(host: str, settings: Settings) -> bool:
    """Return whether *host*, the value of a Host header, is this server's."""
    return host.lower().removesuffix(settings.implied_port) in settings.hosts


def came_by_https(scheme: str, fields: Fields, settings: Settings) -> bool:
    """Return whether the client used https, by the connection or our proxies' header (R86)."""
    if settings.trusted_proxies:
        return forwarding.scheme_told(fields, settings) == "https"
    return scheme == "https"


def is_plain(scope: Scope, fields: Fields, settings: Settings) -> bool:
    """Return whether a request on the event loop is one that nothing here would turn away.

    It has no query and no header twice, so that each is read in one way alone.
    """
    return (
        not scope["query_string"]
        and not fields.are_doubled
        and is_our_name(fields.get("Host") or "", settings)
        and (not settings.is_production or came_by_https(scope["scheme"], fields, settings))
    )


def address_of(scope: Scope, fields: Fields, settings: Settings) -> str:
    """Return the client's address, as `TrustedProxies` has it for Flask."""
    peer = scope["client"] or ("",)
    return forwarding.client_of(peer[0], fields, settings).address


def require_https() -> ResponseReturnValue | None:
    """Redirect or refuse a request that came over plain http to an https server (R87).

    It is redirected only where the proxies tell http from https: else it would be for ever.
    """
    settings = services().settings
    if not settings.is_production or request.is_secure or request.path in paths.MONITORING:
        return None
    reason = proxy_warnings.why_not_https(request.headers, settings)
    if request.method not in {"GET", "HEAD"} or request.path.startswith(_NEVER_BY_HTTP):
        raise Forbidden
    if reason is not None:
        # A redirect would come back like this, for ever.
        raise NotByHttps
    # Joined by hand: PUBLIC_URL is the only source of an absolute address. The query has been
    # readable on the way; it is kept only where nothing works without it.
    query = request.query_string if request.path == "/authorize" else b""
    target = quote(request.path) + ("?" + quote(query, safe=_IN_QUERY) if query else "")
    return redirect(settings.public_url + target, 308)


def is_same_origin() -> bool:
    """Return whether the present POST comes from a page of ours, by Sec-Fetch-Site or Origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    settings = services().settings
    scheme = settings.public_url.partition(":")[0]
    return is_origin_among({f"{scheme}://{host}" for host in settings.hosts})


def is_origin_among(ours: Collection[str]) -> bool:
    """Return whether the Origin of the present POST is one of *ours*, or proves nothing."""
    # A page sent with "Referrer-Policy: no-referrer" posts "Origin: null" (measured in Chromium
    # 156), so that proves nothing; the CSRF token decides then.
    origin = request.headers.get("Origin", "null")
    return origin == "null" or origin in ours
