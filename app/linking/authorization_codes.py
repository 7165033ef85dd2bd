"""An authorization_code that Messenger has brought back: spent once, for the one it was made for.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

import base64
import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.linking.link_rows import LinkRow
from app.linking.models import Attempt
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


def digest(secret: str) -> str:
    """Return the SHA-256 of *secret* in hex: what the database knows of it."""
    return sha256(secret.encode()).hexdigest()


# What RFC 6749 4.1.2 allows an authorization code at most.
CODE_LIFE: Final = timedelta(minutes=10)


# Why an attempt ended that nobody cancelled; app.linking.timeline has the words.
ACCOUNT_CLOSED: Final = "account closed"


def code_for(secret: str, *, code_key: bytes) -> str:
    """Return the code of the browser that holds *secret*.

    Not random: the same browser must get the same code again, and no row may hold it.
    """
    mac = hmac.digest(code_key, secret.encode(), "sha256")
    return "tl_" + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
