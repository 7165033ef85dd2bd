"""The second road to a link: a person signs in here first, then the chat proves itself.

`/connect` is the door; the business's own site has another (`/connect/handoff`). A link needs the
consents of both sides (R126): what this browser sends is one of them.
"""

from contextlib import suppress

import structlog
from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.infra import clock
from app.linking import (
    errors,
    invitation_consents,
    invitations,
    resume,
    session_invitations,
)
from app.linking.errors import SessionOver
from app.linking.invitation_errors import (
    AskedTooOften,
    InvitationOver,
    NotAccepted,
    NothingToAsk,
    QuestionChanged,
    TooManyLinks,
    WrongDigits,
)
from app.linking.invitation_links import InvitationRules, Refusal
from app.linking.invitation_rows import Owner
from app.linking.invitation_status import InvitationStatus, read_by_session
from app.linking.session_status import SessionStatus
from app.web import invitation_reports
from app.web.current import services
from app.web.pages import connect_pages, session_pages, sessions
from app.web.pages.csrf import QUESTION
from app.web.pages.doors import check_is_on
from app.web.pages.session_cookie import SessionCookie
from app.web.problems.forms import QUESTION_CHANGED, WRONG_DIGITS
from app.web.problems.pages import PAGE_PROBLEMS
from app.web.problems.problem import Problem

log = structlog.get_logger()
bp = Blueprint("connect", __name__, url_prefix="/connect")


@bp.get("")
def enter() -> ResponseReturnValue:
    """Open a session, in which a person signs in to connect a Messenger profile."""
    _check_door()
    return sessions.open_("connect", resume=resume.short_text(request.args.getlist("state")))


@bp.get("/<session_id>")
@bp.get("/<session_id>/<path:_step>", endpoint="show_step")
def show(session_id: str, _step: str = "") -> ResponseReturnValue:
    """Show the page of the present state, at the address of any step."""
    check_is_on("connect")
    cookie, status = sessions.opened(session_id, "connect")
    return _page(cookie, status)


@bp.post("/<session_id>/sign-in")
def sign_in(session_id: str) -> ResponseReturnValue:
    _check_door()
    return sessions.sign_in(session_id, "connect")


@bp.post("/<session_id>/provider/<name>")
def depart(session_id: str, name: str) -> ResponseReturnValue:
    _check_door()
    return sessions.depart(session_id, "connect", name)


@bp.post("/<session_id>/digits")
def enter_digits(session_id: str) -> ResponseReturnValue:
    """Take the digits that the chat was sent: they are its consent."""
    cookie, status, invitation = _posted(session_id)
    typed = request.form.get("code", "")
    try:
        outcome = services().write(
            invitation_consents.enter_digits,
            invitation.id,
            Owner(session_id=session_id),
            typed,
            secret_keys=services().settings.secret_keys,
            rate_limit_keys=services().rate_limit_keys,
            rules=_rules(),
            at=clock.now(),
        )
    except (InvitationOver, NothingToAsk):
        return sessions.to("connect", session_id)
    if isinstance(outcome, WrongDigits):
        return _page(cookie, status, problem=WRONG_DIGITS)
    if isinstance(outcome, Refusal):
        invitation_reports.refused(outcome, invitation.reference)
    else:
        invitation_reports.accepted(outcome.reference)
    return sessions.to("connect", session_id)


@bp.post("/<session_id>/confirm")
def confirm(session_id: str) -> ResponseReturnValue:
    """Make the link, if the question that was answered is the one that is asked."""
    cookie, status, invitation = _posted(session_id)
    try:
        outcome = services().write(
            session_invitations.confirm,
            cookie.ticket,
            invitation.id,
            question=request.form.get(QUESTION, ""),
            question_key=cookie.form_key,
            rules=_rules(),
            at=clock.now(),
        )
    except (NotAccepted, QuestionChanged):
        return _page(cookie, status, problem=QUESTION_CHANGED)
    except TooManyLinks:
        most = services().settings.max_links_per_user
        return _page(cookie, status, problem=PAGE_PROBLEMS[errors.TooManyLinks].about(num=most))
    except InvitationOver:
        return _page(cookie, status)
    if isinstance(outcome, Refusal):
        invitation_reports.refused(outcome, invitation.reference)
    else:
        invitation_reports.confirmed(outcome)
    return sessions.to("connect", session_id)


@bp.post("/<session_id>/again")
def again(session_id: str) -> ResponseReturnValue:
    """Make a new link and code; those of before are dead."""
    check_is_on("connect")
    cookie, _ = sessions.posted_by_user(session_id, "connect")
    terms = sessions.terms(cookie.secret_key)
    services().write(session_invitations.invite_again, cookie.ticket, terms=terms, at=clock.now())
    sessions.log_invitation(session_id, source="page")
    return sessions.to("connect", session_id)


@bp.post("/<session_id>/resend")
def resend(session_id: str) -> ResponseReturnValue:
    """Ask in the chat once more."""
    _, _, invitation = _posted(session_id)
    owner = Owner(session_id=session_id)
    # Where it cannot be asked again, the page shows what there is to do.
    with suppress(AskedTooOften, NothingToAsk, InvitationOver):
        services().write(invitations.ask_again, invitation.id, owner, at=clock.now())
    return sessions.to("connect", session_id)


@bp.post("/<session_id>/sign-out")
def sign_out(session_id: str) -> ResponseReturnValue:
    """Let another user sign in: user, invitation and resume are forgotten."""
    check_is_on("connect")
    return sessions.sign_out(session_id, "connect")


@bp.post("/<session_id>/cancel")
def cancel(session_id: str) -> ResponseReturnValue:
    check_is_on("connect")
    cookie, _ = sessions.posted(session_id, "connect")
    services().write(session_invitations.cancel, cookie.ticket, at=clock.now())
    return sessions.to("connect", session_id)


def _posted(session_id: str) -> tuple[SessionCookie, SessionStatus, InvitationStatus]:
    """Return cookie, session and invitation for a POST of somebody who has signed in.

    Raises:
        SessionOver: The session is over, nobody has signed in, or there is no invitation.
        FormRefused, SessionAbsent, SessionUnknown: As `sessions.posted`.
    """
    check_is_on("connect")
    cookie, status = sessions.posted(session_id, "connect")
    invitation = _invitation(status)
    # A second Connect comes when the first has ended the session.
    if invitation is None or (status.state != "signed_in" and invitation.state != "linked"):
        raise SessionOver
    return cookie, status, invitation


def _page(
    cookie: SessionCookie, status: SessionStatus, *, problem: Problem | None = None
) -> ResponseReturnValue:
    if status.state == "open":
        _check_door()
        return session_pages.sign_in_page(cookie, status)
    if status.must_choose_password:
        return session_pages.password_page(cookie, status)
    invitation = _invitation(status)
    if invitation is None or (status.state != "signed_in" and not invitation.is_over):
        raise SessionOver
    return connect_pages.page_of(cookie, status, invitation, problem=problem)


def _invitation(status: SessionStatus) -> InvitationStatus | None:
    """Return the newest invitation of the user who has signed in."""
    found = services().read(read_by_session, status.id, at=clock.now())
    return found if found is not None and found.user == status.user else None


def _rules() -> InvitationRules:
    rules = services().policy.invitations
    if rules is None:
        raise NotFound
    return rules


def _is_on() -> bool:
    return services().settings.invitations.enabled


def _check_door() -> None:
    """Raise unless people sign in here."""
    if not _is_on() or not services().settings.invitations.connect_page:
        raise NotFound
