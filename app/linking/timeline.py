"""The timeline of an attempt, in words: derived from its row, never stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking import delivery_counts
from app.linking.attempt_status import LIFE, State, state_of
from app.linking.authorization_codes import CODE_LIFE
from app.linking.models import Attempt
from app.linking.values import (
    ACCOUNT_CLOSED,
    ENDED_BY_US,
    PASSWORD_CHANGED,
    TOKEN_REFUSED,
    WRONG_DIGITS,
)

# Messenger posts its event while the person looks at its page: after this time, it will not come.
PATIENCE: Final = timedelta(minutes=2)

# Why Messenger's event made no link, or why the attempt ended before one.
REASONS: Final = {
    WRONG_DIGITS: "Five times other digits were entered than those in the person's chat.",
    TOKEN_REFUSED: "Messenger did not know the account_linking_token, or it was older than five "
    "minutes.",
    "expired": "The event's time lies outside the ten minutes of the code.",
    "other person": "Another Messenger person brought the code: possibly an attempt to take over "
    "the account.",
    "other page": "The code came back through another page.",
    "unlinked": "The code came back with a log-out, and cannot be used again; Log In makes a new "
    "one.",
    ENDED_BY_US: "The business ended it before Messenger confirmed.",
    PASSWORD_CHANGED: "The password of the account was changed before Messenger confirmed.",
    ACCOUNT_CLOSED: "The account was disabled or deleted meanwhile.",
}
# The other reasons are faults of an event, in a word or two.
UNUSABLE: Final = (
    "Messenger's event was not usable ({}), and its code cannot be used again; Log In makes a new "
    "one."
)

CONCLUSIONS: Final[dict[State, str]] = {
    "open": "No sign-in has been tried yet.",
    "signed_in": "The person has not confirmed or cancelled yet.",
    "confirmed": "Waiting for Messenger's event.",
    "linked": "Linked.",
    "cancelled": "The person cancelled.",
    "expired": f"Not finished within {LIFE.seconds // 60} minutes.",
}
ONLY_REFUSED: Final = "Every sign-in so far was refused."
# Why Messenger never confirmed, by the deliveries that came meanwhile.
NOTHING_CAME: Final = (
    "Messenger never confirmed, and no delivery of any kind came meanwhile: the app's webhook is "
    "not subscribed, leads elsewhere, or cannot be reached. Next: threadlink doctor"
)
ALL_REFUSED: Final = (
    "Messenger never confirmed. {refused} deliveries came meanwhile and were refused for their "
    "signature: APP_SECRET is not this app's secret (App settings > Basic). "
    "Next: threadlink doctor"
)
OTHERS_CAME: Final = (
    "Messenger never confirmed, though {taken} other deliveries came meanwhile ({refused} were "
    "refused for their signature): messaging_account_linking is probably not subscribed for the "
    "app or for the page. Next: threadlink doctor"
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an attempt, in words."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """An attempt from its opening to its end."""

    reference: str
    page_id: str
    state: State
    steps: tuple[Step, ...]
    # What the steps mean, and what to do now.
    conclusion: str


def timeline_of(session: Session, reference: str, *, at: datetime) -> Timeline | None:
    """Return the timeline of the attempt of *reference*, None where no such attempt is stored."""
    attempt = session.scalar(select(Attempt).where(Attempt.reference == reference))
    return None if attempt is None else _timeline(session, attempt, at)


def timelines_since(session: Session, since: datetime, *, at: datetime) -> tuple[Timeline, ...]:
    """Return the timelines of the attempts opened from *since* on, oldest first."""
    opened = select(Attempt).where(Attempt.opened_at >= since).order_by(Attempt.opened_at)
    return tuple(_timeline(session, attempt, at) for attempt in session.scalars(opened))


def _timeline(session: Session, attempt: Attempt, at: datetime) -> Timeline:
    state = state_of(attempt, at)
    steps = tuple(_steps(attempt))
    conclusion = _never_confirmed(session, attempt, at) or _conclusion(attempt, state)
    return Timeline(attempt.reference, attempt.page_id, state, steps, conclusion)


def _steps(attempt: Attempt) -> list[Step]:
    steps = [Step(attempt.opened_at, "opened")]
    if attempt.signed_in_at:
        # The name goes within a day (R112).
        name = f" as {attempt.display_name}" if attempt.display_name else ""
        steps.append(Step(attempt.signed_in_at, f"signed in{name} ({attempt.issuer})"))
    if attempt.confirmed_at:
        steps.append(Step(attempt.confirmed_at, "confirmed, sent back to Messenger with a code"))
    if attempt.ended_at and attempt.ended_as:
        steps.append(Step(attempt.ended_at, attempt.ended_as))
    return steps


def _never_confirmed(session: Session, attempt: Attempt, at: datetime) -> str | None:
    """Return why Messenger may have sent no event, once it is overdue."""
    confirmed_at = attempt.confirmed_at
    if attempt.ended_at is not None or confirmed_at is None or at - confirmed_at <= PATIENCE:
        return None
    seen = delivery_counts.seen(
        session, since=confirmed_at, until=min(at, confirmed_at + CODE_LIFE)
    )
    if seen.taken:
        return OTHERS_CAME.format(taken=seen.taken, refused=seen.refused)
    return ALL_REFUSED.format(refused=seen.refused) if seen.refused else NOTHING_CAME


def _conclusion(attempt: Attempt, state: State) -> str:
    if state == "open" and attempt.psid is not None:
        return ONLY_REFUSED
    if state == "refused":
        return REASONS.get(attempt.reason or "", UNUSABLE.format(attempt.reason))
    return CONCLUSIONS[state]
