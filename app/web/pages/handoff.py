"""The hand-over of a browser from the business's own site, its user signed in there (R130)."""

from typing import Final

import structlog
from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.accounts import rate_limiter
from app.infra import clock
from app.linking import browser_sessions, session_invitations
from app.linking.invitation_errors import InvitationOver, InvitationUnknown
from app.web import rate_limits
from app.web.current import services
from app.web.exceptions import HandoffRefused
from app.web.pages import session_cookie, sessions
from app.web.pages.csrf import check_fields

log = structlog.get_logger()
bp = Blueprint("handoff", __name__, url_prefix="/connect")

# Longer than any token of ours.
_LONGEST_TOKEN: Final = 256


@bp.post("/handoff")
def take_over() -> ResponseReturnValue:
    """Take over a browser from the business's own site, with its user already signed in (R130).

    The one form of ours that another site sends: the header Origin says which, and no letter, chat
    or foreign page can make a browser send the business's.
    """
    origins = _origins()
    check_fields()
    token = request.form.get("token", "")
    if request.headers.get("Origin") not in origins:
        raise _refused("origin")
    if not token or len(token) > _LONGEST_TOKEN:
        raise _refused("token")
    ticket, terms = browser_sessions.new_ticket(), sessions.terms(services().settings.secret_key)
    services().write(
        rate_limiter.hit, services().rate_limit_keys.opens(rate_limits.address()), at=clock.now()
    )
    try:
        services().write(session_invitations.take_over, token, ticket, terms=terms, at=clock.now())
    except InvitationUnknown as exc:
        raise _refused("token") from exc
    except InvitationOver as exc:
        raise _refused("late") from exc
    session_cookie.open_(ticket)
    return sessions.to("connect", ticket.attempt_id)


@bp.get("/handoff")
def show_handoff() -> ResponseReturnValue:
    """Refuse a hand-over by a link, which anybody could send."""
    _origins()
    raise _refused("get")


def _refused(reason: str) -> HandoffRefused:
    """Return the error of a hand-over that is refused, after logging *reason*."""
    log.warning("handoff.refused", reason=reason)
    return HandoffRefused(reason)


def _origins() -> tuple[str, ...]:
    """Return the origins that may hand a browser over; without any there is no such page."""
    settings = services().settings.invitations
    if not settings.enabled or not settings.connect_origins:
        raise NotFound
    return settings.connect_origins
