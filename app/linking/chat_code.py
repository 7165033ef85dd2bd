"""The six digits that are sent to the Messenger chat of an attempt, to be entered on its page.

What is stored of the digits is a keyed hash, which the caller computes.
"""

import hmac
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.linking.attempt_status import AttemptStatus
from app.linking.attempts import unconfirmed
from app.linking.errors import DigitsSentTooOften
from app.linking.values import WRONG_DIGITS, NameOutcome, Ticket

MOST_SENT: Final = 3
# A guess is right once in a million. How many attempts one profile may spend on guesses is limited
# by app.accounts.rate_limits.DIGITS.
MOST_TRIED: Final = 5


def is_needed(status: AttemptStatus, confirm_in_chat: str) -> bool:
    """Return whether the consent needs digits, by the setting CONFIRM_IN_CHAT."""
    match confirm_in_chat:
        case "always":
            return True
        case "unnamed":
            return status.name_outcome is not NameOutcome.NAMED
        case _:
            return False


def count_sending(session: Session, ticket: Ticket, *, at: datetime) -> None:
    """Count that digits are about to be sent.

    Raises:
        DigitsSentTooOften: The attempt has had as many messages as it may have.
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
    """
    attempt = unconfirmed(session, ticket, at)
    if attempt.digits_sent >= MOST_SENT:
        raise DigitsSentTooOften
    attempt.digits_sent += 1


def remember(session: Session, ticket: Ticket, digits_hash: str, *, at: datetime) -> None:
    """Ask for the digits of *digits_hash* from now on, and for no earlier ones.

    Raises:
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
    """
    unconfirmed(session, ticket, at).digits_hash = digits_hash


def match(session: Session, ticket: Ticket, digits_hash: str, *, at: datetime) -> bool:
    """Return whether these are the digits; the fifth wrong try ends the attempt.

    Raises:
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
    """
    attempt = unconfirmed(session, ticket, at)
    if attempt.digits_hash is not None and hmac.compare_digest(attempt.digits_hash, digits_hash):
        return True
    attempt.digits_tried += 1
    if attempt.digits_tried >= MOST_TRIED:
        attempt.ended_at, attempt.ended_as, attempt.reason = at, "refused", WRONG_DIGITS
        attempt.forget_person()
    return False
