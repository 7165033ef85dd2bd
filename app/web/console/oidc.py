"""Signing in at the operators' provider, and signing in there again before an act (R136).

Begun by a GET: a page that allows its forms no other target than itself (`form-action 'self'`)
cannot send one that is answered with a redirect to the provider. It changes nothing.
"""

import hmac
import secrets
from datetime import datetime
from typing import Any, Final

import structlog
from flask import Blueprint, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from app.accounts.authenticators import (
    AuthenticatorUnavailable,
    ProofRefused,
    SignInDeclined,
    SignInNotFresh,
)
from app.accounts.rate_limiter import RateLimited
from app.infra.observability import metrics
from app.infra.settings.console import LOCAL, OIDC
from app.operators import audit, sessions
from app.operators.acts import Act, Actor
from app.operators.provider import OperatorProvider
from app.operators.sessions import Person, SignedIn, Ticket
from app.web import rate_limits
from app.web.console import cookies, guard
from app.web.console.browser_session import session_of_browser
from app.web.console.current import now, parts
from app.web.console.rendering import page
from app.web.console.rules import is_open
from app.web.console.ways_back import way_back
from app.web.current import services

log = structlog.get_logger()
bp = Blueprint("oidc", __name__)

CALLBACK: Final = "/sign-in/oidc/callback"
_SEE_OTHER: Final = 303
_DECLINED: Final = "You have cancelled the sign-in, or the provider does not allow it."
_NOT_FRESH: Final = "The provider did not confirm a new sign-in. Ask an admin: the log says why."
_REFUSED: Final = "The provider's answer proves nothing. Try again; the log says why."
_AWAY: Final = "The provider does not answer as it should. Try again; the log says why."
_NO_ROLE: Final = (
    "Your account may not use this console. Ask an admin to add you to CONSOLE_SUPPORT."
)
_OTHER: Final = "You have signed in as somebody else. Sign out first, to change."
_OVER: Final = "This sign-in took too long, or was used before. Begin again."
_LIMITED: Final = "Too many tries. Try again in a few minutes."


@bp.get("/sign-in/oidc")
@is_open
def depart() -> ResponseReturnValue:
    provider = _provider()
    back = way_back(request.args.get("next", "/"))
    counters = services().rate_limit_keys.console_visit(rate_limits.address())
    try:
        rate_limits.take(counters)
        state = secrets.token_urlsafe(32)
        callback = f"{services().settings.console.url}{CALLBACK}"
        authorization = provider.begin(callback, state=state)
    except RateLimited:
        return _failed(back, _LIMITED, "limited", status=429)
    except AuthenticatorUnavailable as exc:
        return _tell(provider, exc, back)
    cookies.put_visit([state, authorization.memo, back])
    return redirect(authorization.url, _SEE_OTHER)


@bp.get(CALLBACK)
@is_open
def come_back() -> ResponseReturnValue:
    """Begin a session of whom the provider has sent back, in place of the one there may be."""
    provider = _provider()
    if request.method == "HEAD":
        # Flask answers it with this view, and the memo serves once.
        return "", 204
    state, memo, back = _visit()
    # A parameter twice is read differently by different programs.
    is_single = len(request.args) == len(list(request.args.items(multi=True)))
    if not is_single or not hmac.compare_digest(
        request.args.get("state", "").encode(), state.encode()
    ):
        return _failed("/", _OVER, "refused")
    try:
        person = provider.complete(request.args.to_dict(), memo)
    except (AuthenticatorUnavailable, ProofRefused) as exc:
        return _tell(provider, exc, back)
    return _begun(person, back)


def _begun(person: Person, back: str) -> ResponseReturnValue:
    before = session_of_browser()
    if before is not None and before.actor != person.actor:
        # An act needs the proof of the one who is signed in, and of nobody else.
        return _failed(back, _OTHER, "other_person", status=403)
    console = services().settings.console
    role = services().read(sessions.role_at_present, console, person.actor, person.groups)
    if role is None:
        return _failed("/", _NO_ROLE, "no_role", status=403)
    who = guard.actor_as(person.actor, person.name, role=role.value)
    ticket = services().write(_begin, person, who, before, at=now())
    cookies.put_session(ticket)
    metrics.count_console_sign_in(OIDC, "done")
    log.info("console.signed_in", method=OIDC, actor=person.actor)
    response = make_response(page("signed_in.html", back=back))
    # By a page of ours: what is asked for in answer to the provider counts as another site's.
    response.headers["Refresh"] = f"0; url={back}"
    return response


def _begin(
    session: Session, person: Person, who: Actor, before: SignedIn | None, *, at: datetime
) -> Ticket:
    act = Act.SIGNED_IN if before is None else Act.REAUTHENTICATED
    audit.record(session, who, act, at=at)
    return sessions.begin(session, person, replaces=before, at=at)


def _visit() -> tuple[str, str, str]:
    """Return state, memo and way back of the visit that this browser has begun; empty if none."""
    kept: Any = cookies.take_visit()
    if not isinstance(kept, list):
        # Compared with the state of the answer, which is never empty.
        return secrets.token_urlsafe(16), "", "/"
    state, memo, back = map(str, kept)
    return state, memo, way_back(back)


def _tell(
    provider: OperatorProvider, exc: AuthenticatorUnavailable | ProofRefused, back: str
) -> ResponseReturnValue:
    """Return the page that says that the provider did not do it; the log says why."""
    log.warning("console.provider_failed", reason=exc.reason, fix=provider.fix(exc.fix))
    if isinstance(exc, SignInNotFresh):
        return _failed(back, _NOT_FRESH, "not_fresh")
    if isinstance(exc, SignInDeclined):
        return _failed(back, _DECLINED, "declined")
    if isinstance(exc, ProofRefused):
        return _failed(back, _REFUSED, "refused")
    return _failed(back, _AWAY, "away", status=503)


def _failed(back: str, sentence: str, outcome: str, *, status: int = 422) -> ResponseReturnValue:
    metrics.count_console_sign_in(OIDC, outcome)
    log.info("console.sign_in_refused", method=OIDC, outcome=outcome)
    return page(
        "sign_in.html",
        status,
        back=back,
        name="",
        error=sentence,
        with_password=LOCAL in services().settings.console.sign_in,
        provider=_provider().label,
    )


def _provider() -> OperatorProvider:
    provider = parts().provider
    if provider is None:
        raise NotFound
    return provider
