"""Single-use authorization codes: made, burnt when Messenger brings them back, and checked."""

import base64
import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.linking.models import Attempt
from app.linking.values import ENDED_BY_US, VOID, LinkValue
from app.messenger.events import AccountLinked

# RFC 6749, section 4.1.2: "A maximum authorization code lifetime of 10 minutes is RECOMMENDED."
CODE_LIFE: Final = timedelta(minutes=10)
# Meta's clock and ours may differ; no link can be made before its consent.
CLOCK_SKEW: Final = timedelta(minutes=2)


def code_for(secret: str, *, code_key: bytes) -> str:
    """Return the code of the browser that holds *secret*.

    Not random: the same browser must get the same code again, and no row may hold it.
    """
    mac = hmac.digest(code_key, secret.encode(), "sha256")
    return "tl_" + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def digest(secret: str) -> str:
    """Return the SHA-256 of *secret* in hex, which is all that the database holds of it."""
    return sha256(secret.encode()).hexdigest()


def burn(session: Session, authorization_code: str, *, at: datetime) -> Attempt | None:
    """Burn *authorization_code*; return its attempt, None where it is unknown or burnt already."""
    # One statement decides between two that bring it, and burns it whatever the checks say later.
    update_attempt = update(Attempt).where(
        Attempt.code_hash == digest(authorization_code), Attempt.ended_at.is_(None)
    )
    burnt = update_attempt.values(ended_at=at, ended_as="refused", reason="burnt")
    return session.scalar(burnt.returning(Attempt))


def spent(session: Session, authorization_code: str) -> Attempt | None:
    """Return the attempt of *authorization_code*, burnt or not, locked; None if it is unknown."""
    rows = select(Attempt).where(Attempt.code_hash == digest(authorization_code))
    return session.scalar(rows.with_for_update())


def misfit(attempt: Attempt, event: AccountLinked, link: LinkValue | None) -> str | None:
    """Return why *attempt*'s code does not fit *event*, in a word or two; None where it does."""
    if (other := _misplaced(attempt, event)) is not None:
        return other
    confirmed_at = attempt.confirmed_at
    if confirmed_at is None or not (
        confirmed_at - CLOCK_SKEW <= event.event_at <= confirmed_at + CODE_LIFE
    ):
        return "expired"
    ended_by_us_at = link.ended_by_us_at if link else None
    if ended_by_us_at is not None and confirmed_at <= ended_by_us_at:
        return ENDED_BY_US
    return None


def why_worthless(spent: Attempt | None, event: AccountLinked) -> str:
    """Return why the code of *event* makes no link; *spent* is its attempt, None where unknown."""
    if spent is None:
        return "unknown"
    if spent.reason in VOID:
        # Worthless either way, but a code in other hands is news.
        return _misplaced(spent, event) or str(spent.reason)
    return "spent"


def _misplaced(attempt: Attempt, event: AccountLinked) -> str | None:
    """Return what of *event* is not that of *attempt*, None where page and person are."""
    if attempt.page_id != event.page_id:
        return "other page"
    return "other person" if attempt.psid != event.psid else None


def is_for(attempt: Attempt, event: AccountLinked) -> bool:
    """Return whether *event* comes from the person and the page of *attempt*."""
    return _misplaced(attempt, event) is None


def was_opened_elsewhere(session: Session, attempt: Attempt) -> bool:
    """Return whether another attempt was opened with the same token before *attempt*'s consent.

    A link that was passed on looks so, and so do two tabs.
    """
    others = (Attempt.token_hash == attempt.token_hash) & (Attempt.id != attempt.id)
    earlier = Attempt.opened_at <= attempt.confirmed_at
    return session.scalar(select(Attempt.id).where(others, earlier).limit(1)) is not None
