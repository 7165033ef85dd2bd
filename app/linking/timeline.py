"""The timeline of an attempt, or of a request without one, in words: derived, never stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking import delivery_counts
from app.linking.attempt_events import events_of
from app.linking.attempt_status import State, state_of
from app.linking.authorization_codes import CODE_LIFE
from app.linking.conclusion import PATIENCE, Conclusion, conclude
from app.linking.delivery_counts import Seen
from app.linking.event_words import public_words_of, words_of
from app.linking.models import Attempt, AttemptEvent
from app.linking.obstacles import OF_AUTHENTICATORS
from app.linking.owed import Owed, owed_of

# In the order in which steps of the same moment stand.
_FIRST: Final = 0
_LAST: Final = 2
_BETWEEN: Final = 1


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an attempt, in words; *until* is when it happened last, if it did so often.

    *public* is for those who may see no person: without a name, and without what was wrong with a
    credential, which tells whether there is an account.
    """

    at: datetime
    words: str
    public: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """An attempt from its opening to its end; *state* is "none" for a request without one."""

    reference: str
    page_id: str | None
    # As AUTHENTICATORS names it: the one that the person signed in with, or else tried last.
    authenticator: str | None
    state: State | Literal["none"]
    opened_at: datetime
    signed_in_at: datetime | None
    ended_at: datetime | None
    steps: tuple[Step, ...]
    conclusion: Conclusion
    events: tuple[AttemptEvent, ...] = field(repr=False)
    owed: tuple[Owed, ...]


def timeline_of(session: Session, reference: str, *, at: datetime) -> Timeline | None:
    """Return the timeline that *reference* belongs to, None where nothing of it is stored."""
    attempt = session.scalar(select(Attempt).where(Attempt.reference == reference))
    events = events_of(session, [reference])[reference]
    if attempt is not None:
        return _timeline(session, attempt, events, at, owed_of(session, attempt))
    return _of_request(reference, events, at) if events else None


def timelines_since(session: Session, since: datetime, *, at: datetime) -> tuple[Timeline, ...]:
    """Return the timelines of the attempts opened from *since* on, oldest first."""
    opened = select(Attempt).where(Attempt.opened_at >= since).order_by(Attempt.opened_at)
    return timelines_of(session, session.scalars(opened).all(), at=at)


def timelines_of(
    session: Session, attempts: Sequence[Attempt], *, at: datetime
) -> tuple[Timeline, ...]:
    """Return the timelines of *attempts*, in their order, without what is owed."""
    events = events_of(session, [attempt.reference for attempt in attempts])
    return tuple(_timeline(session, one, events[one.reference], at, ()) for one in attempts)


def _timeline(
    session: Session,
    attempt: Attempt,
    events: Sequence[AttemptEvent],
    at: datetime,
    owed: tuple[Owed, ...],
) -> Timeline:
    return Timeline(
        reference=attempt.reference,
        page_id=attempt.page_id,
        authenticator=_authenticator(attempt, events),
        state=state_of(attempt, at),
        opened_at=attempt.opened_at,
        signed_in_at=attempt.signed_in_at,
        ended_at=attempt.ended_at,
        steps=_steps(attempt, events),
        conclusion=conclude(attempt, events, _seen(session, attempt, at), at=at),
        events=tuple(events),
        owed=owed,
    )


def _of_request(reference: str, events: Sequence[AttemptEvent], at: datetime) -> Timeline:
    first = min(event.first_at for event in events)
    return Timeline(
        reference=reference,
        page_id=next((event.page_id for event in events if event.page_id), None),
        authenticator=None,
        state="none",
        opened_at=first,
        signed_in_at=None,
        ended_at=max(event.last_at for event in events),
        steps=_steps(None, events),
        conclusion=conclude(None, events, None, at=at),
        events=tuple(events),
        owed=(),
    )


def _authenticator(attempt: Attempt, events: Sequence[AttemptEvent]) -> str | None:
    issuer = attempt.issuer
    if issuer is not None and "://" not in issuer:
        return issuer
    # A provider's issuer is an address; its name is in the events.
    tried = [event.subject for event in events if event.kind in OF_AUTHENTICATORS]
    return tried[-1] if tried else issuer and "oidc"


def _seen(session: Session, attempt: Attempt, at: datetime) -> Seen | None:
    """Return the deliveries that came since the consent, where Messenger's event is overdue."""
    confirmed_at = attempt.confirmed_at
    if attempt.ended_at is not None or confirmed_at is None or at - confirmed_at <= PATIENCE:
        return None
    return delivery_counts.seen(
        session, since=confirmed_at, until=min(at, confirmed_at + CODE_LIFE)
    )


def _steps(attempt: Attempt | None, events: Sequence[AttemptEvent]) -> tuple[Step, ...]:
    steps = [] if attempt is None else _steps_of_row(attempt)
    for event in events:
        until = event.last_at if event.times > 1 else None
        step = Step(event.first_at, words_of(event), public_words_of(event), until)
        steps.append((event.first_at, _BETWEEN, step))
    return tuple(step for _, _, step in sorted(steps, key=lambda step: step[:2]))


def _steps_of_row(attempt: Attempt) -> list[tuple[datetime, int, Step]]:
    steps = [(attempt.opened_at, _FIRST, "opened", "opened")]
    if attempt.signed_in_at:
        # The name goes within a day (R112).
        name = f" as {attempt.display_name}" if attempt.display_name else ""
        public = f"signed in ({attempt.issuer})"
        words = f"signed in{name} ({attempt.issuer})"
        steps.append((attempt.signed_in_at, _BETWEEN, words, public))
    if attempt.confirmed_at:
        words = "confirmed, sent back to Messenger with a code"
        steps.append((attempt.confirmed_at, _BETWEEN, words, words))
    if attempt.ended_at and attempt.ended_as:
        steps.append((attempt.ended_at, _LAST, attempt.ended_as, attempt.ended_as))
    return [(at, order, Step(at, words, public)) for at, order, words, public in steps]
