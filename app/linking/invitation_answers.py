"""The taps of a chat that has claimed an invitation: Yes, No, and later Disconnect.

Messenger waits for these, as for `app.linking.invitation_claims`. Nothing here commits.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from app.linking import chat_messages, history, invitation_links, link_rows, links, notices
from app.linking.chat_messages import Text
from app.linking.invitation_links import InvitationRules, is_made_here
from app.linking.invitation_models import Invitation
from app.linking.invitation_outcomes import NOTHING, Answered, InvitationOutcome
from app.linking.invitation_secrets import secret_hash
from app.linking.invitation_status import FINISH_WITHIN
from app.linking.values import LinkValue
from app.messenger.invitation_events import Answer, Disconnect


def answer(
    session: Session, event: Answer, *, rules: InvitationRules, at: datetime
) -> InvitationOutcome:
    """Take the chat's Yes or No, if it is the one that was asked and the question stands."""
    theirs = and_(
        Invitation.nonce_hash == secret_hash(event.nonce),
        Invitation.page_id == event.page_id,
        Invitation.psid == event.psid,
    )
    stands = and_(
        Invitation.ended_at.is_(None),
        Invitation.accepted_at.is_(None),
        Invitation.claimed_at > at - FINISH_WITHIN,
        Invitation.claimed_at < at + FINISH_WITHIN,
    )
    agreed = {"accepted_at": at, "accept_event_at": event.event_at, "reason": None}
    ended = {"ended_at": at, "ended_as": "declined", "messenger_name": None, "resume": None}
    row = session.scalar(
        update(Invitation)
        .where(theirs, stands)
        .values(agreed if event.is_yes else ended)
        .returning(Invitation)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if row is None:
        return _late(session, theirs, event, at=at)
    text = Text.ALMOST_DONE if event.is_yes else Text.DECLINED
    chat_messages.say_in_chat(session, row, text, at=at)
    if not event.is_yes:
        invitation_links.record_refusal(session, row, "declined", rules=rules, at=at)
    return Answered(row.reference, is_yes=event.is_yes)


def disconnect(
    session: Session, event: Disconnect, *, rules: InvitationRules, at: datetime
) -> LinkValue | None:
    """End the link of *event*'s chat that an invitation has made; return its last state.

    Messenger repeats events for 36 hours: one that is not later than the link ends nothing.
    """
    link = link_rows.lock(session, event.page_id, event.psid)
    moment = links.plausible(event.event_at, at)
    if link is None or link.state != "linked" or moment <= link.event_at:
        return None
    if not is_made_here(link):
        return None
    history.record(
        session,
        event.page_id,
        event.psid,
        "unlinked",
        cause="person",
        of=link,
        event_at=event.event_at,
        at=at,
    )
    ended = links.end_row(session, replace(link, event_at=moment), "person")
    if rules.tells_bot:
        notices.on_ended(session, ended, at=at)
    # In its language, while the invitation is kept.
    made_by = select(Invitation).where(Invitation.reference == link.reference)
    if (row := session.scalar(made_by)) is not None:
        chat_messages.say_in_chat(session, row, Text.DISCONNECTED, event.psid, at=at)
    return ended


def _late(
    session: Session, theirs: ColumnElement[bool], event: Answer, *, at: datetime
) -> InvitationOutcome:
    """Say that the question is over, once; nothing to a repeat of Meta's, and to other chats."""
    row = session.scalar(select(Invitation).where(theirs))
    if row is not None and event.event_at != row.accept_event_at:
        chat_messages.say_in_chat(session, row, Text.QUESTION_OVER, at=at)
    return NOTHING
