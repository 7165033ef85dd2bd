"""The question of an invitation in its chat: what is recorded before and after it is sent.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from app.accounts import rate_limiter
from app.accounts.rate_limit_keys import RateLimitKeys
from app.accounts.rate_limiter import RateLimited
from app.linking import attempt_events, chat_messages, invitation_secrets, link_rows
from app.linking.attempt_events import Counted, Kind, Note
from app.linking.invitation_models import Invitation
from app.linking.invitation_status import (
    CHAT_REFUSED,
    OTHER_ACCOUNT,
    TOO_MANY_QUESTIONS,
    state_of,
)
from app.linking.values import NameOutcome
from app.messenger.display_names import clean_name
from app.messenger.types import PageId, Psid


@dataclass(frozen=True, slots=True)
class ToAsk:
    """A chat that is to be asked, and for whom."""

    invitation_id: str
    reference: str
    page_id: PageId
    psid: Psid
    language: str
    display_name: str | None = field(repr=False)
    # The chat is connected to another account, and is told so in place of the question.
    is_of_other: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """The name that Messenger has told of the chat's profile, None where it withholds it."""

    name: str | None = field(repr=False)
    outcome: NameOutcome


def to_ask(session: Session, invitation_id: str, *, at: datetime) -> ToAsk | None:
    """Return whom to ask; None where the invitation is over, answered, or forgotten."""
    row = session.get(Invitation, invitation_id)
    if row is None or row.psid is None or state_of(row, at) != "claimed":
        return None
    link = link_rows.find(session, row.page_id, row.psid)
    return ToAsk(
        row.id,
        row.reference,
        row.page_id,
        row.psid,
        row.language,
        row.display_name,
        is_of_other=link is not None and link.state == "linked" and link.user != row.user,
    )


def prepare(  # noqa: PLR0913 - what is asked, and what it is counted by
    session: Session,
    asked: ToAsk,
    number: int,
    named: Named,
    *,
    digits: str | None,
    secret_key: str,
    rate_limit_keys: RateLimitKeys,
    at: datetime,
) -> bool:
    """Record the question *number* of an invitation before it is sent; return whether to send it.

    It is asked by the nonce or, where there are *digits*, by them: whichever comes first to the
    chat, the answer is known by then. A repeat of the same question counts once. A chat of another
    user is sent neither, and all that the page shows is as if it were (R127).
    """
    row = session.get(Invitation, asked.invitation_id, with_for_update=True, populate_existing=True)
    if row is None or state_of(row, at) != "claimed" or number > chat_messages.MOST_ASKS:
        return False
    if number > row.asks:
        try:
            rate_limiter.hit(session, rate_limit_keys.asks(asked.page_id, asked.psid), at=at)
        except RateLimited:
            if row.asks == 0:
                row.end("refused", TOO_MANY_QUESTIONS, at=at)
            return False
        row.asks = number
    row.messenger_name = clean_name(named.name or "") or None
    row.name_outcome = named.outcome.value
    row.reason = OTHER_ACCOUNT if asked.is_of_other else None
    if digits is None:
        nonce = invitation_secrets.nonce_for(row.id, secret_key)
        row.nonce_hash = None if asked.is_of_other else invitation_secrets.secret_hash(nonce)
        row.digits_hash = None
    else:
        row.nonce_hash = None
        row.digits_hash = invitation_secrets.digits_hash(digits, row.id, secret_key)
        row.digits_sent += 1
    return True


def record_sent(session: Session, invitation_id: str, *, at: datetime) -> float | None:
    """Record that the question was sent; return the seconds since the claim, once."""
    row = session.get(Invitation, invitation_id, with_for_update=True, populate_existing=True)
    if row is None or row.claimed_at is None:
        return None
    is_first, row.asked_at = row.asked_at is None, at
    return (at - row.claimed_at).total_seconds() if is_first else None


def record_refused(  # noqa: PLR0913 - what Graph says, by name
    session: Session,
    asked: ToAsk,
    *,
    call: str,
    code: int | None,
    subcode: int | None,
    detail: str,
    at: datetime,
) -> None:
    """Record that Messenger takes no question to this chat now; the page says what helps."""
    row = session.get(Invitation, asked.invitation_id, with_for_update=True, populate_existing=True)
    if row is not None and state_of(row, at) == "claimed":
        row.reason = CHAT_REFUSED
    note = Note(
        reference=asked.reference,
        kind=Kind.GRAPH_FAILED,
        at=at,
        subject=call,
        code=code or 0,
        subcode=subcode or 0,
        detail=detail,
        page_id=asked.page_id,
    )
    attempt_events.record(session, {note.key: Counted.one(note)})
