"""The six digits that are sent to the Messenger chat of an attempt, to be entered on its page.

What is stored of the digits is a keyed hash, which the caller computes.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.linking.attempt_status import AttemptStatus
from app.linking.attempts import unconfirmed
from app.linking.errors import DigitsSentTooOften
from app.linking.models import Attempt
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


@dataclass(frozen=True, slots=True)
class Sending:
    """Digits that are about to be sent, and those that were asked for before, both hashed."""

    attempt_id: str
    digits_hash: str = field(repr=False)
    before: str | None = field(repr=False)


def begin_sending(
    session: Session, ticket: Ticket, digits_hash: str, *, is_first: bool, at: datetime
) -> Sending | None:
    """Ask for the digits of *digits_hash* from now on, and for no earlier ones.

    None where *is_first*, and digits are asked for already. Kept before they are sent: of two
    messages the digits of the later count, in whatever order Messenger's answers arrive.

    Raises:
        DigitsSentTooOften: The attempt has had as many messages as it may have.
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
    """
    attempt = unconfirmed(session, ticket, at)
    if is_first and attempt.digits_hash is not None:
        return None
    if attempt.digits_sent >= MOST_SENT:
        raise DigitsSentTooOften
    attempt.digits_sent += 1
    sending = Sending(attempt.id, digits_hash, attempt.digits_hash)
    attempt.digits_hash = digits_hash
    return sending


def take_back(session: Session, sending: Sending) -> None:
    """Ask for the digits of before *sending*, which has failed, unless others were sent since."""
    attempt = session.get(Attempt, sending.attempt_id, with_for_update=True)
    if attempt is not None and attempt.digits_hash == sending.digits_hash:
        attempt.digits_hash = sending.before


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
