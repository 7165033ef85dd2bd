"""The status of an attempt, derived from its row and the clock; nothing here changes a row."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import first_passwords, local
from app.linking.authorization_codes import CODE_LIFE, digest
from app.linking.errors import AttemptUnknown
from app.linking.models import Attempt, Link
from app.linking.values import NameOutcome, Ticket, User
from app.messenger.types import PageId, Psid

# The account_linking_token lives as long (Meta, "Account Linking", updated 2025-07-01).
LIFE: Final = timedelta(minutes=5)

State = Literal["open", "signed_in", "confirmed", "linked", "cancelled", "refused", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStatus:
    """The state of an attempt, with all that its pages show."""

    reference: str
    page_id: PageId
    state: State
    reason: str | None
    psid: Psid | None
    messenger_name: str | None
    # None until the person is known.
    name_outcome: NameOutcome | None
    picture_url: str | None = field(repr=False)
    user: User | None
    display_name: str | None
    # Confirmed so long ago that Messenger can no longer bring the code.
    code_is_dead: bool
    # Another attempt was confirmed with the same token: this one leads nowhere.
    token_spent: bool
    # Six digits were sent to the person's chat, to be entered on the confirm page.
    has_digits: bool
    # The person's Messenger profile is connected to another account, which would lose it.
    replaces: bool
    # When the account_linking_token, and with it the attempt, can no longer be used.
    expires_at: datetime
    # The user has signed in with a password that somebody else has set.
    must_choose_password: bool = False

    @property
    def is_over(self) -> bool:
        """True when nobody can go on, for good: the secret does nothing any more."""
        if self.state in {"open", "signed_in"}:
            return self.token_spent
        return self.state != "confirmed" or self.code_is_dead


def status_of(
    session: Session, ticket: Ticket, *, at: datetime, lock: bool = False
) -> AttemptStatus:
    """Return the status of the attempt in any state; *lock* its row until the transaction ends.

    Raises:
        AttemptUnknown: There is no such attempt, or the secret is another's.
    """
    return _status(session, find_attempt(session, ticket, lock=lock), at)


def end_of(session: Session, attempt_id: str, *, at: datetime) -> AttemptStatus:
    """Return the status of an attempt that is over, for which no secret is needed any more.

    Raises:
        AttemptUnknown: There is no such attempt, or it is not over.
    """
    attempt = session.get(Attempt, attempt_id)
    if attempt is None or not (status := _status(session, attempt, at)).is_over:
        raise AttemptUnknown
    return status


def stored_reference(session: Session, attempt_id: str) -> str | None:
    """Return the reference of *attempt_id*, None where there is no such attempt."""
    return session.scalar(select(Attempt.reference).where(Attempt.id == attempt_id))


def _status(session: Session, attempt: Attempt, at: datetime) -> AttemptStatus:
    return AttemptStatus(
        reference=attempt.reference,
        page_id=attempt.page_id,
        state=state_of(attempt, at),
        reason=attempt.reason,
        psid=attempt.psid,
        messenger_name=attempt.messenger_name,
        name_outcome=_name_outcome(attempt),
        picture_url=attempt.picture_url,
        user=attempt.user,
        display_name=attempt.display_name,
        code_is_dead=is_code_dead(attempt, at),
        token_spent=is_token_spent(session, attempt),
        has_digits=attempt.digits_hash is not None,
        replaces=_replaces(session, attempt),
        expires_at=attempt.opened_at + LIFE,
        must_choose_password=_must_choose_password(session, attempt),
    )


def find_attempt(session: Session, ticket: Ticket, *, lock: bool = False) -> Attempt:
    """Return the attempt of *ticket*, locked or not.

    Raises:
        AttemptUnknown: There is no such attempt, or the secret is another's.
    """
    attempt = session.get(Attempt, ticket.attempt_id, with_for_update=lock or None)
    if attempt is None or not hmac.compare_digest(attempt.secret_hash, digest(ticket.secret)):
        raise AttemptUnknown
    return attempt


def state_of(attempt: Attempt, at: datetime) -> State:
    """Return the state of *attempt* at *at*."""
    if attempt.ended_as is not None:
        return attempt.ended_as  # type: ignore[return-value]  # the column holds three of them
    if attempt.confirmed_at is not None:
        return "confirmed"
    # Either way: a clock that stepped back must not make an attempt live longer.
    if abs(at - attempt.opened_at) >= LIFE:
        return "expired"
    return "open" if attempt.signed_in_at is None else "signed_in"


def is_token_spent(session: Session, attempt: Attempt) -> bool:
    """Return whether another attempt was confirmed with the token of *attempt*."""
    others = (Attempt.token_hash == attempt.token_hash) & (Attempt.id != attempt.id)
    confirmed = Attempt.confirmed_at.is_not(None)
    return session.scalar(select(Attempt.id).where(others, confirmed).limit(1)) is not None


def is_code_dead(attempt: Attempt, at: datetime) -> bool:
    """Return whether the code of *attempt* was made too long ago to be brought back."""
    return attempt.confirmed_at is not None and at - attempt.confirmed_at > CODE_LIFE


def _name_outcome(attempt: Attempt) -> NameOutcome | None:
    if attempt.psid is None:
        return None
    if attempt.name_outcome is not None:
        return NameOutcome(attempt.name_outcome)
    # An older version, which is still running beside this one, has kept the name alone.
    return NameOutcome.NAMED if attempt.messenger_name else NameOutcome.WITHHELD


def _must_choose_password(session: Session, attempt: Attempt) -> bool:
    if attempt.issuer != local.ISSUER or attempt.subject is None:
        return False
    return first_passwords.is_first(session, attempt.subject)


def _replaces(session: Session, attempt: Attempt) -> bool:
    if attempt.psid is None or attempt.subject is None:
        return False
    link = session.get(Link, (attempt.page_id, attempt.psid))
    user = (attempt.issuer, attempt.subject)
    return link is not None and link.state == "linked" and (link.issuer, link.subject) != user
