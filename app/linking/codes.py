"""An authorization_code that Messenger has brought back: spent once, for the one it was made for.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.linking.attempts import ACCOUNT_CLOSED, CODE_LIFE, digest
from app.linking.history import User
from app.linking.models import Attempt, Link
from app.linking.rows import LinkRow
from app.messenger.events import AccountLinked

# Meta's clock and ours may differ; nobody can be linked before having confirmed.
CLOCK_SKEW: Final = timedelta(minutes=2)


def burn(session: Session, authorization_code: str, *, at: datetime) -> Attempt | None:
    """Spend *authorization_code*, so that nobody can again; return whose it was, if it was good."""
    # One statement decides who wins, and burns the code also of whoever fails afterwards.
    spend = update(Attempt).where(
        Attempt.code_hash == digest(authorization_code), Attempt.ended_at.is_(None)
    )
    spend = spend.values(ended_at=at, ended_as="refused", reason="burnt")
    return session.scalar(spend.returning(Attempt))


def spent(session: Session, authorization_code: str) -> Attempt | None:
    """Return whose *authorization_code* was, spent or not."""
    return session.scalar(select(Attempt).where(Attempt.code_hash == digest(authorization_code)))


def misfit(attempt: Attempt, event: AccountLinked, link: LinkRow | None) -> str | None:
    """Return why *attempt*'s code does not fit *event*, in one word; None where it does."""
    confirmed_at = attempt.confirmed_at
    if attempt.page_id != event.page_id:
        return "other page"
    if attempt.psid != event.psid:
        return "other person"
    if confirmed_at is None or not (
        confirmed_at - CLOCK_SKEW <= event.event_at <= confirmed_at + CODE_LIFE
    ):
        return "expired"
    ended_by_us_at = link.ended_by_us_at if link else None
    if ended_by_us_at is not None and confirmed_at <= ended_by_us_at:
        return "ended by us"
    return None


def why_worthless(spent: Attempt | None) -> str:
    """Return why a code, that of *spent* or nobody's, makes no link any more."""
    if spent is None:
        return "unknown"
    return ACCOUNT_CLOSED if spent.reason == ACCOUNT_CLOSED else "spent"


def is_for(attempt: Attempt, event: AccountLinked) -> bool:
    """Tell whether *event* comes from the person and the page of *attempt*."""
    return (attempt.page_id, attempt.psid) == (event.page_id, event.psid)


def was_opened_elsewhere(session: Session, attempt: Attempt) -> bool:
    """Tell whether another attempt had been opened with the same token before *attempt*'s consent.

    A link that was passed on looks so, and so do two tabs.
    """
    others = (Attempt.token_hash == attempt.token_hash) & (Attempt.id != attempt.id)
    earlier = Attempt.opened_at <= attempt.confirmed_at
    return session.scalar(select(Attempt.id).where(others, earlier).limit(1)) is not None


def user_of(row: Attempt | Link | LinkRow | None) -> User | None:
    """Return the user that *row* speaks of, if it speaks of one."""
    if row is None or row.issuer is None or row.subject is None:
        return None
    return User(row.issuer, row.subject)
