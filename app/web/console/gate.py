"""The checks of every request to the console before its view runs (R134-R137).

In this order: from where, by which way, how many at once, whose session, how often, which role,
whose form, how recent the sign-in.
"""

from http import HTTPStatus
from typing import Final

import structlog
from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException

from app.infra.admission import Busy
from app.infra.database.writer import NotCommitted
from app.infra.network.client_addresses import read_address
from app.operators import sessions
from app.web import proxy_warnings, request_guard, request_reference
from app.web.console import cookies, guard
from app.web.console.browser_session import session_of_browser
from app.web.console.current import now, parts, signed_in_if_any
from app.web.console.forms import check_form
from app.web.console.problems import NotFresh, RoleRefused, TooManyRequests
from app.web.console.rules import Rule, RuleMissing, current_rule
from app.web.current import services
from app.web.forwarding import CLIENT, Client

log = structlog.get_logger()

# What proxies add: through none of them may the console of this machine alone be reached.
_FORWARDED: Final = ("Forwarded", "Via", "X-Real-Ip")
_FORWARDED_PREFIX: Final = "x-forwarded-"
_SAFE: Final = frozenset({"GET", "HEAD"})
_ELSEWHERE: Final = frozenset({"cross-site", "same-site"})


class Misdirected(HTTPException):
    """It cannot be told that the request came by https, and a redirect would come back (R87)."""

    code = HTTPStatus.MISDIRECTED_REQUEST


def receive() -> ResponseReturnValue | None:
    """Let a request through to its view, or answer it."""
    request_guard.name_request()
    request_reference.begin()
    structlog.contextvars.bind_contextvars(address=request.remote_addr)
    if not is_from_here():
        # As if there were nothing: neither a page nor a word of ours.
        log.info("console.refused", problem="network", path=None)
        return Response("", HTTPStatus.NOT_FOUND)
    request_guard.count_input()
    if request.headers.get("Host", "").lower().removesuffix(_implied_port()) != _host():
        raise BadRequest
    if (answer := _require_https()) is not None:
        return answer
    rule = current_rule()
    if request.endpoint is None:
        return None
    if rule is None:
        raise RuleMissing
    _take_place()
    return _for_operators(rule) if rule.role is not None else None


def is_from_here() -> bool:
    """Return whether the client is one that may know of the console."""
    console = services().settings.console
    if not console.is_https:
        names = {name.lower() for name, _ in request.headers}
        is_forwarded = any(name.startswith(_FORWARDED_PREFIX) for name in names)
        is_forwarded = is_forwarded or any(name.lower() in names for name in _FORWARDED)
        address = read_address(request.remote_addr or "")
        return not is_forwarded and address is not None and address.is_loopback
    if not console.networks:
        return True
    client: Client = request.environ[CLIENT]
    address = read_address(client.address)
    # An address that the proxies do not tell may be anybody's.
    if client.fault is not None or address is None:
        return False
    return any(address in network for network in console.networks)


def release(_exc: BaseException | None = None) -> None:
    """Give the place of the request back."""
    if g.pop("has_place", False):
        parts().places.release()


def note_seen(response: Response) -> Response:
    """Note that the session was used, once a minute at most; its end moves with it."""
    operator = signed_in_if_any()
    if operator is None or g.get("is_quiet") or not sessions.is_seen_due(operator, now()):
        return response
    try:
        services().write(sessions.note_seen, operator.session_id, at=now())
    except NotCommitted:
        log.warning("console.session_not_kept")
    return response


def _host() -> str:
    return services().settings.console.host


def _implied_port() -> str:
    return ":443" if services().settings.console.is_https else ":80"


def _require_https() -> ResponseReturnValue | None:
    settings = services().settings
    if not settings.console.is_https or request.is_secure:
        return None
    reason = proxy_warnings.why_not_https(request.headers, settings)
    if request.method not in _SAFE:
        raise Forbidden
    if reason is not None:
        raise Misdirected
    # Without the path: what it names has been readable on the way.
    return redirect(f"{settings.console.url}/", HTTPStatus.PERMANENT_REDIRECT)


def _take_place() -> None:
    if not parts().places.acquire(blocking=False):
        raise Busy
    g.has_place = True


def _for_operators(rule: Rule) -> ResponseReturnValue | None:
    if request.method in _SAFE and not rule.is_from_elsewhere and _is_from_elsewhere():
        # A link of another site, or of a mail, must not have an operator look at somebody.
        return redirect(url_for("overview.show"), HTTPStatus.SEE_OTHER)
    ticket, operator = cookies.session_ticket(), session_of_browser()
    if operator is None:
        if ticket is not None:
            cookies.drop_session()
        return to_sign_in()
    g.signed_in = operator
    structlog.contextvars.bind_contextvars(operator=operator.actor)
    if not parts().pace.allows(operator.session_id, now()):
        raise TooManyRequests
    assert rule.role is not None  # noqa: S101 - the caller has looked
    if not operator.role.may(rule.role):
        guard.note_refused_role(rule)
        raise RoleRefused
    if request.method not in _SAFE:
        check_form(ticket.secret if ticket else "")
    if rule.is_fresh and not operator.is_fresh(now()):
        raise NotFresh(request.path)
    return None


def to_sign_in() -> ResponseReturnValue:
    """Send the browser to the sign-in, and afterwards back to what it asked for."""
    is_page = request.method in _SAFE and request.endpoint != "overview.show"
    back = request.path if is_page else None
    return redirect(url_for("sign_in.show", next=back), HTTPStatus.SEE_OTHER)


def _is_from_elsewhere() -> bool:
    return request.headers.get("Sec-Fetch-Site") in _ELSEWHERE
