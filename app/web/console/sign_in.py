"""Signing in with a password, signing in again before an act, and signing out (R135, R136)."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from math import ceil
from typing import Final

import structlog
from flask import Blueprint, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from app.accounts import rate_limiter
from app.accounts.identity import meant_name
from app.accounts.rate_limiter import Hit, RateLimited
from app.infra.observability import metrics
from app.infra.settings.console import LOCAL
from app.operators import accounts, audit, passwords, sessions
from app.operators.accounts import OperatorValue
from app.operators.acts import Act, Actor, Subject
from app.operators.passwords import Checked
from app.operators.roles import Role
from app.operators.sessions import Person, SignedIn, Ticket
from app.web import rate_limits
from app.web.console import cookies, guard
from app.web.console.browser_session import session_of_browser
from app.web.console.current import now, parts, signed_in
from app.web.console.forms import check_entry_form
from app.web.console.rendering import page
from app.web.console.rules import allows, is_open
from app.web.console.ways_back import way_back
from app.web.current import services

log = structlog.get_logger()
bp = Blueprint("sign_in", __name__)

WRONG: Final = "Wrong name or password."
_SEE_OTHER: Final = 303
_WRONG_STATUS: Final = 422
_TOO_MANY: Final = 429


@bp.get("/sign-in")
@is_open
def show() -> ResponseReturnValue:
    return _sign_in_page(request.args.get("next", "/"))


@bp.post("/sign-in")
@is_open
def sign_in() -> ResponseReturnValue:
    if LOCAL not in services().settings.console.sign_in:
        raise NotFound
    check_entry_form()
    back = request.form.get("next", "/")
    name = meant_name(request.form.get("name", ""))
    try:
        ticket = _signed_in(name, request.form.get("password", ""), replaces=None)
    except RateLimited as exc:
        return _limited(partial(_sign_in_page, back, name), exc)
    if ticket is None:
        return _sign_in_page(back, name, error=WRONG, status=_WRONG_STATUS)
    if (old := session_of_browser()) is not None:
        # Its cookie is replaced: whoever has a copy of that has nothing.
        services().write(sessions.end, old.session_id, at=now())
    cookies.put_session(ticket)
    return redirect(way_back(back), _SEE_OTHER)


@bp.get("/re-authenticate")
@allows(Role.VIEWER)
def show_again() -> ResponseReturnValue:
    return _again_page(request.args.get("next", "/"))


@bp.post("/re-authenticate")
@allows(Role.VIEWER)
def sign_in_again() -> ResponseReturnValue:
    operator = signed_in()
    back = request.form.get("next", "/")
    if not operator.is_local:
        raise NotFound
    try:
        ticket = _signed_in(operator.name, request.form.get("password", ""), replaces=operator)
    except RateLimited as exc:
        return _limited(partial(_again_page, back), exc)
    if ticket is None:
        return _again_page(back, error="Wrong password.", status=_WRONG_STATUS)
    cookies.put_session(ticket)
    return redirect(way_back(back), _SEE_OTHER)


@bp.post("/sign-out")
@allows(Role.VIEWER, act=Act.SIGNED_OUT)
def sign_out() -> ResponseReturnValue:
    session_id = signed_in().session_id
    guard.done(Subject("session", session_id), sessions.end, session_id, at=now())
    cookies.drop_session()
    response = make_response(redirect(url_for(".show"), _SEE_OTHER))
    # Not "cookies": those of the whole domain would go (W3C, Clear Site Data, "cookies").
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _signed_in(name: str, password: str, *, replaces: SignedIn | None) -> Ticket | None:
    """Return the ticket of a new session; None if name and password do not belong together.

    Raises:
        RateLimited: There were too many tries.
        NotCommitted: The try cannot be counted, so that nothing is checked.
    """
    counters = services().rate_limit_keys.console_sign_in(name, rate_limits.address())
    with rate_limits.counted(counters) as hit:
        checked = _checked(name, password, replaces)
        ticket = None
        if checked.is_right and checked.operator is not None:
            begin = partial(_begin, hit=hit, replaces=replaces, at=now())
            ticket = services().write(begin, checked.operator, _who(checked.operator))
        if ticket is None or checked.operator is None:
            # One statement more or less would tell whether there is an operator by this name.
            refused = partial(audit.look, result="refused", at=now())
            services().write(refused, _who(checked.operator), Act.SIGN_IN_REFUSED)
            metrics.count_console_sign_in(LOCAL, "refused")
            log.info("console.sign_in_refused", method=LOCAL)
            return None
    metrics.count_console_sign_in(LOCAL, "done")
    log.info("console.signed_in", method=LOCAL, actor=checked.operator.actor)
    return ticket


def _checked(name: str, password: str, replaces: SignedIn | None) -> Checked:
    # By id where there is a session: another operator may have got the name since.
    operator_id = accounts.id_in(replaces.actor) if replaces else None
    if operator_id is None:
        operator = services().read(accounts.find, name)
    else:
        operator = services().read(accounts.by_id, operator_id)
    built = parts()
    return passwords.check(operator, password, hasher=built.hasher, decoy_hash=built.decoy_hash)


def _begin(  # noqa: PLR0913 - of whom, by which try, in place of what, when
    session: Session,
    operator: OperatorValue,
    who: Actor,
    *,
    hit: Hit,
    replaces: SignedIn | None,
    at: datetime,
) -> Ticket | None:
    """Begin the session; None if the operator was disabled, or got another password, meanwhile."""
    if not accounts.is_proven(session, operator):
        return None
    rate_limiter.refund(session, hit)
    act = Act.SIGNED_IN if replaces is None else Act.REAUTHENTICATED
    audit.record(session, who, act, at=at)
    person = Person(actor=operator.actor, name=operator.name)
    return sessions.begin(session, person, replaces=replaces, at=at)


def _who(operator: OperatorValue | None) -> Actor:
    if operator is None:
        # What was typed is stored nowhere: it may be a password, or the name of a customer.
        return Actor(actor="local:", name="")
    return guard.actor_as(operator.actor, operator.name, role=operator.role.value)


def _limited(render: Callable[..., ResponseReturnValue], exc: RateLimited) -> ResponseReturnValue:
    metrics.count_console_sign_in(LOCAL, "limited")
    log.info("console.refused", path=request.path, problem="rate_limited")
    minutes = ceil(exc.retry_after_seconds / 60)
    unit = "minute" if minutes == 1 else "minutes"
    response = make_response(
        render(error=f"Too many tries. Try again in {minutes} {unit}.", status=_TOO_MANY)
    )
    response.headers["Retry-After"] = str(exc.retry_after_seconds)
    return response


def _sign_in_page(
    back: str, name: str = "", *, error: str | None = None, status: int = 200
) -> ResponseReturnValue:
    console, provider = services().settings.console, parts().provider
    return page(
        "sign_in.html",
        status,
        back=way_back(back),
        name=name,
        error=error,
        with_password=LOCAL in console.sign_in,
        provider=provider.label if provider else None,
    )


def _again_page(back: str, *, error: str | None = None, status: int = 200) -> ResponseReturnValue:
    provider = parts().provider
    return page(
        "re_authenticate.html",
        status,
        back=way_back(back),
        error=error,
        provider=provider.label if provider else None,
    )
