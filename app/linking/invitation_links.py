"""The link that an invitation makes, and the refusals that end one.

It never takes a profile away from another user (R127), and orders itself among Messenger's own
events by Meta's time of the chat's consent.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.linking import chat_messages, history, link_rows, notices
from app.linking.chat_messages import Text
from app.linking.invitation_errors import InvitationOver, NotAccepted, TooManyLinks
from app.linking.invitation_models import Invitation
from app.linking.invitation_status import (
    ALREADY_CONNECTED,
    CLAIMED_TWICE,
    OTHER_ACCOUNT,
    REPLAYED,
    SPENT,
    SUPERSEDED,
)
from app.linking.links import plausible
from app.linking.models import Link
from app.linking.values import ACCOUNT_CLOSED, WRONG_DIGITS, LinkValue, Made, Refused, User
from app.messenger.types import PageId, Psid

# The cause of links that are made here. Messenger does not know of them.
CAUSE: Final = "m.me"
# Those of which the bot is told; that one has expired, or was cancelled, is no news.
TOLD: Final = frozenset(
    {CLAIMED_TWICE, SPENT, OTHER_ACCOUNT, REPLAYED, ACCOUNT_CLOSED, WRONG_DIGITS, "declined"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRules:
    """The operator's settings that decide what becomes of an invitation."""

    max_links: int
    # Whether BOT_WEBHOOK_URL is set.
    tells_bot: bool
    # Where people see and end their own links, up to the page's id; None: nowhere.
    connections_url: str | None = None


class Refusal(Enum):
    """Why an invitation was ended in place of going on, which must be committed."""

    ACCOUNT_CLOSED = auto()
    # The profile is connected to another account.
    OTHER_ACCOUNT = auto()
    # Messenger has told of a later change of this profile's link.
    SUPERSEDED = auto()
    # The fifth wrong try.
    WRONG_DIGITS = auto()


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The link of an invitation; *is_new* is False where it was there before this request."""

    link: LinkValue
    is_new: bool


def make(
    session: Session, invitation: Invitation, *, rules: InvitationRules, at: datetime
) -> Confirmed | Refusal:
    """Make the link of *invitation*, which is locked and has both consents.

    Raises:
        TooManyLinks: The user has as many links as the operator allows besides this one.
    """
    if invitation.psid is None or invitation.accept_event_at is None:
        raise NotAccepted
    present = link_rows.lock(session, invitation.page_id, invitation.psid)
    if present is not None and present.state == "linked":
        if present.user != invitation.user:
            refuse(session, invitation, OTHER_ACCOUNT, rules=rules, at=at)
            chat_messages.say_in_chat(session, invitation, Text.OTHER_ACCOUNT, at=at)
            return Refusal.OTHER_ACCOUNT
        invitation.end("linked", ALREADY_CONNECTED, at=at)
        return Confirmed(present, is_new=False)
    moment = plausible(invitation.accept_event_at, at)
    # At equal times the end wins: a link too few is a tap, a link too many a leak.
    if present is not None and moment <= present.event_at:
        refuse(session, invitation, SUPERSEDED, rules=rules, at=at)
        return Refusal.SUPERSEDED
    if links_of(session, invitation.user) >= rules.max_links:
        raise TooManyLinks
    return _made(session, invitation, invitation.psid, present, moment, rules=rules, at=at)


def made_before(session: Session, invitation: Invitation) -> Confirmed:
    """Return the link that *invitation* has made.

    Raises:
        InvitationOver: It has ended, or is another's by now.
    """
    if invitation.psid is not None:
        link = link_rows.find(session, invitation.page_id, invitation.psid)
        if link is not None and link.state == "linked" and link.user == invitation.user:
            return Confirmed(link, is_new=False)
    raise InvitationOver


def refuse(
    session: Session, invitation: Invitation, reason: str, *, rules: InvitationRules, at: datetime
) -> None:
    """End *invitation*, which makes no link for *reason*."""
    how = "declined" if reason == "declined" else "refused"
    invitation.end(how, None if how == reason else reason, at=at)
    record_refusal(session, invitation, reason, rules=rules, at=at)


def record_refusal(  # noqa: PLR0913 - what, why, whose, by what rules, when
    session: Session,
    invitation: Invitation,
    reason: str,
    psid: Psid | None = None,
    *,
    rules: InvitationRules,
    at: datetime,
) -> None:
    """Add a refusal to the history, and tell the bot; *psid* is who was refused, if another.

    Without `resume`: before both sides have agreed, the chat may be anybody's (R132). That a chat
    said No is no history of a link.
    """
    person = psid or invitation.psid
    if person is None or reason not in TOLD:
        return
    page_id = invitation.page_id
    if reason != "declined":
        history.record(session, page_id, person, "refused", cause=reason, of=invitation, at=at)
    if rules.tells_bot:
        refused = Refused(reason, invitation.user, invitation.reference)
        person_there = (page_id, person)
        notices.on_refused(session, refused, person_there, None, at=at)


def links_of(session: Session, user: User) -> int:
    """Return the number of present links of *user*."""
    theirs = (Link.issuer == user.issuer) & (Link.subject == user.subject)
    present = select(func.count()).where(theirs, Link.state == "linked")
    return session.scalar(present) or 0


def is_made_here(link: LinkValue | None) -> bool:
    """Return whether *link* is one of which Messenger knows nothing."""
    return link is not None and link.cause == CAUSE


def _made(  # noqa: PLR0913 - the columns of one row
    session: Session,
    invitation: Invitation,
    psid: Psid,
    present: LinkValue | None,
    moment: datetime,
    *,
    rules: InvitationRules,
    at: datetime,
) -> Confirmed:
    link = LinkValue(
        page_id=PageId(invitation.page_id),
        psid=psid,
        issuer=invitation.issuer,
        subject=invitation.subject,
        display_name=invitation.display_name,
        messenger_name=invitation.messenger_name,
        state="linked",
        version=present.version + 1 if present else 1,
        event_at=moment,
        ended_by_us_at=present.ended_by_us_at if present else None,
        cause=CAUSE,
        reference=invitation.reference,
    )
    (link_rows.change if present else link_rows.add)(session, link)
    # Not an event of Messenger's, which has a time by which repeats are recognised.
    history.record(session, link.page_id, psid, "linked", cause=CAUSE, of=invitation, at=at)
    resume = invitation.resume
    invitation.end("linked", None, at=at)
    if rules.tells_bot:
        made = Made(link, None, also_opened_elsewhere=False)
        url = rules.connections_url
        notices.on_made(session, made, resume=resume, connections_url=url, at=at)
    chat_messages.say_in_chat(session, invitation, Text.CONNECTED, at=at)
    return Confirmed(link, is_new=True)
