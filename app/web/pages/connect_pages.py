"""The pages of an invitation in the browser that began it, one for each state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue

from app.linking import invitation_consents, invitation_secrets
from app.linking.chat_messages import MOST_ASKS
from app.linking.invitation_status import CHAT_REFUSED, CLAIMED_TWICE, InvitationStatus
from app.linking.link_queries import find_link
from app.linking.session_status import SessionStatus
from app.linking.values import WRONG_DIGITS, NameOutcome
from app.messenger.display_names import clean_name
from app.services.invitations import ref_link, text_link
from app.web import request_reference
from app.web.current import services
from app.web.languages.message import N_, NP_, Message
from app.web.pages import session_pages
from app.web.pages.doors import connections_url
from app.web.pages.outcomes import TRY_AGAIN, Outcome
from app.web.pages.qr import picture_of
from app.web.pages.session_cookie import SessionCookie
from app.web.pages.time_left import TimeLeft
from app.web.problems.problem import Problem

# While the chat is waited for. Without script the page is loaded anew, which shuts what a person
# has opened on the page with the code, so that is done more seldom.
_REFRESH_S: Final = 3
_REFRESH_CODE_S: Final = 20

_CONNECT: Final = "connect"
NEW_LINK: Final = N_("Get a new link")
ASK_AGAIN: Final = N_("Send the question again")
_NOTHING: Final = N_("Nothing was connected")
ANSWER: Final = Outcome(
    "speech", N_("Now answer in Messenger"), N_("We’ve sent you a question in the chat.")
)
WRITE_FIRST: Final = Outcome(
    "speech",
    N_("Write to us first"),
    N_("We couldn’t write to you in Messenger."),
    N_("Send any message to %(page)s there, then try again."),
)
CONNECTED: Final = N_("You’re connected")
CONNECTED_TO: Final = N_("Connected to %(account)s.")
CONNECTED_ALL: Final = N_("You can use your %(page)s account in Messenger now.")
SAID_IN_CHAT: Final = Outcome("broken-link", _NOTHING, N_("The message in Messenger says why."))
CANCELLED: Final = Outcome("back-arrow", _NOTHING, N_("You cancelled."))
DECLINED: Final = Outcome("back-arrow", _NOTHING, N_("You said No in Messenger."))
EXPIRED: Final = Outcome(
    "hourglass-empty",
    N_("This page has expired"),
    N_("For your safety the link works for a few minutes. Nothing was connected."),
)
REFUSED: Final[dict[str, Outcome]] = {
    CLAIMED_TWICE: Outcome(
        "broken-link",
        _NOTHING,
        NP_("security", "Two Messenger profiles used this link. Don’t share it with anyone."),
    ),
    WRONG_DIGITS: Outcome("broken-link", _NOTHING, N_("The code was wrong too often.")),
}


@dataclass(frozen=True, slots=True)
class Action:
    """A button below what the page says; a link unless *is_post*."""

    label: Message
    url: str
    is_post: bool = True


def page_of(
    cookie: SessionCookie,
    status: SessionStatus,
    invitation: InvitationStatus,
    *,
    problem: Problem | None = None,
) -> ResponseReturnValue:
    """Return the page of the present state, with *problem* where there is one."""
    request_reference.bind(invitation.reference)
    if problem:
        g.setdefault("problem", problem.name)
    http_status = problem.status if problem else 200
    return _body(cookie, status, invitation, problem), http_status


def _body(  # noqa: PLR0911 - a page for each state
    cookie: SessionCookie,
    status: SessionStatus,
    invitation: InvitationStatus,
    problem: Problem | None,
) -> str:
    match invitation.state:
        case "open":
            return _invite_page(cookie, status, invitation)
        case "claimed" if invitation.reason == CHAT_REFUSED:
            page = _frame(cookie, status, invitation)["brand"].name
            said = WRITE_FIRST.with_page(page)
            return _waiting(cookie, status, invitation, said, TRY_AGAIN)
        case "claimed" if invitation.needs_digits:
            return _digits_page(cookie, status, invitation, problem)
        case "claimed":
            return _waiting(cookie, status, invitation, ANSWER, ASK_AGAIN)
        case "accepted":
            return _confirm_page(cookie, status, invitation, problem)
        case "linked":
            return _done_page(cookie, status, invitation)
        case _:
            return _end_page(cookie, status, invitation)


def _invite_page(cookie: SessionCookie, status: SessionStatus, invitation: InvitationStatus) -> str:
    secrets = invitation_secrets.derived(cookie.secret_key, cookie.ticket.secret, invitation.id)
    settings = services().settings
    link = ref_link(settings, invitation.page_id, secrets.ref)
    return render_template(
        "connect/invite.html",
        link=link,
        picture=picture_of(link),
        code=secrets.shown_code,
        code_link=text_link(settings, invitation.page_id, secrets.shown_code),
        refresh_seconds=_REFRESH_CODE_S,
        not_you_action=_url("sign_out", status),
        **_frame(cookie, status, invitation),
    )


def _digits_page(
    cookie: SessionCookie,
    status: SessionStatus,
    invitation: InvitationStatus,
    problem: Problem | None,
) -> str:
    return render_template(
        "connect/digits.html",
        action=_url("enter_digits", status),
        resend_action=_resend_url(status, invitation),
        problem=problem,
        **_frame(cookie, status, invitation),
    )


def _confirm_page(
    cookie: SessionCookie,
    status: SessionStatus,
    invitation: InvitationStatus,
    problem: Problem | None,
) -> str:
    return render_template(
        "connect/confirm.html",
        action=_url("confirm", status),
        question=invitation_consents.question_digest(invitation, key=cookie.form_key),
        messenger_name=clean_name(invitation.messenger_name or "") or None,
        picture_url=None,
        replaces=False,
        password_url=None,
        like_brand=invitation.name_outcome is NameOutcome.LIKE_BRAND,
        not_you_action=_url("sign_out", status),
        connections_url=connections_url(status.page_id),
        problem=problem,
        **_frame(cookie, status, invitation),
    )


def _done_page(cookie: SessionCookie, status: SessionStatus, invitation: InvitationStatus) -> str:
    frame = _frame(cookie, status, invitation)
    name = _name_of_link(invitation)
    named = CONNECTED_TO.with_values(account=name) if name else None
    everywhere = CONNECTED_ALL.with_values(page=frame["brand"].name)
    said = Outcome("check", CONNECTED, named or everywhere, everywhere if named else None)
    url = connections_url(status.page_id)
    more = [Action(N_("Your connections"), url, is_post=False)] if url else []
    return _outcome_page(frame, said, more, is_final=True)


def _name_of_link(invitation: InvitationStatus) -> str:
    """Return the name of the profile that was connected, which the invitation has given away."""
    if invitation.psid is None:
        return ""
    link = services().read(find_link, invitation.page_id, invitation.psid)
    is_theirs = link is not None and link.user == invitation.user
    return clean_name(link.messenger_name or "") if link and is_theirs else ""


def _end_page(cookie: SessionCookie, status: SessionStatus, invitation: InvitationStatus) -> str:
    by_state = {"declined": DECLINED, "cancelled": CANCELLED, "expired": EXPIRED}
    said = by_state.get(invitation.state) or REFUSED.get(invitation.reason or "", SAID_IN_CHAT)
    is_signed_in = status.state == "signed_in"
    actions = [Action(NEW_LINK, _url("again", status))] if is_signed_in else []
    return _outcome_page(
        _frame(cookie, status, invitation), said, actions, is_final=not is_signed_in
    )


def _waiting(
    cookie: SessionCookie,
    status: SessionStatus,
    invitation: InvitationStatus,
    said: Outcome,
    label: Message,
) -> str:
    url = _resend_url(status, invitation)
    return _outcome_page(
        _frame(cookie, status, invitation),
        said,
        [Action(label, url)] if url else [],
        refresh_seconds=_REFRESH_S,
    )


def _outcome_page(
    frame: dict[str, Any],
    said: Outcome,
    actions: Sequence[Action],
    *,
    refresh_seconds: int | None = None,
    is_final: bool = False,
) -> str:
    return render_template(
        "connect/outcome.html",
        outcome=said,
        actions=actions,
        refresh_seconds=refresh_seconds,
        **({**frame, "time_left": None, "cancel_action": None} if is_final else frame),
    )


def _frame(
    cookie: SessionCookie, status: SessionStatus, invitation: InvitationStatus
) -> dict[str, Any]:
    is_running = not invitation.is_over
    return {
        **session_pages.frame(cookie, status),
        "display_name": clean_name(invitation.display_name or ""),
        "cancel_action": _url("cancel", status) if is_running else None,
        "reference": invitation.reference,
        "time_left": TimeLeft.until(invitation.expires_at) if is_running else None,
    }


def _resend_url(status: SessionStatus, invitation: InvitationStatus) -> str | None:
    return _url("resend", status) if invitation.asks < MOST_ASKS else None


def _url(step: str, status: SessionStatus) -> str:
    return url_for(f"{_CONNECT}.{step}", session_id=status.id)
