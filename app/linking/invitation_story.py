"""The story of an invitation, in words: derived, never stored. State and resume never show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from app.linking.attempt_details import Parties
from app.linking.attempt_events import events_of
from app.linking.attempt_lists import LOOKED_AT, SHOWN
from app.linking.causes.cause import Cause
from app.linking.causes.invitations import BY_SLUG
from app.linking.event_words import public_words_of, words_of
from app.linking.invitation_models import Invitation
from app.linking.invitation_status import CHAT_REFUSED, OTHER_ACCOUNT, State, state_of
from app.linking.models import AttemptEvent
from app.linking.timeline import Step
from app.linking.values import User
from app.messenger.types import PageId, Psid

_VIA = {
    "new_thread": "opened in a new chat",
    "existing_thread": "opened in an existing chat",
    "typed": "its code typed in a chat",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An invitation from its creation to its end, with its cause in words."""

    reference: str
    page_id: PageId
    state: State
    source: str
    created_at: datetime
    steps: tuple[Step, ...]
    cause: Cause
    sentence: str
    fix: str
    parties: Parties


def story_of(session: Session, reference: str, *, at: datetime) -> Story | None:
    """Return the story of the invitation with *reference*, None where there is none."""
    row = session.scalar(select(Invitation).where(Invitation.reference == reference))
    return None if row is None else _story(row, events_of(session, [reference])[reference], at)


def stories(  # noqa: PLR0913 - the conditions, by name
    session: Session,
    *,
    user: User | None,
    page: PageId | None,
    since: datetime | None,
    most: int,
    at: datetime,
) -> tuple[Story, ...]:
    """Return the newest stories that fit, up to *most*."""
    rows = select(Invitation).order_by(Invitation.created_at.desc(), Invitation.id).limit(most)
    if user is not None:
        rows = rows.where(_by(user))
    if page is not None:
        rows = rows.where(Invitation.page_id == page)
    if since is not None:
        rows = rows.where(Invitation.created_at >= since)
    return _stories(session, session.scalars(rows).all(), at)


def stories_of_user(session: Session, user: User, *, at: datetime) -> tuple[Story, ...]:
    """Return the newest stories of *user*, as many as a page shows."""
    return _theirs(session, _by(user), at)


def stories_of_person(
    session: Session, page_id: PageId, psid: Psid, *, at: datetime
) -> tuple[Story, ...]:
    """Return the newest stories that the chat of *psid* has claimed, as many as a page shows."""
    return _theirs(session, (Invitation.page_id == page_id) & (Invitation.psid == psid), at)


def _theirs(session: Session, which: ColumnElement[bool], at: datetime) -> tuple[Story, ...]:
    # Found first and sorted then: an index that has the order would be read to its end.
    some = aliased(Invitation, select(Invitation).where(which).limit(LOOKED_AT).subquery())
    rows = select(some).order_by(some.created_at.desc(), some.id).limit(SHOWN)
    return _stories(session, session.scalars(rows).all(), at)


def _by(user: User) -> ColumnElement[bool]:
    return (Invitation.issuer == user.issuer) & (Invitation.subject == user.subject)


def _stories(session: Session, rows: Sequence[Invitation], at: datetime) -> tuple[Story, ...]:
    events = events_of(session, [row.reference for row in rows])
    return tuple(_story(row, events[row.reference], at) for row in rows)


def _story(row: Invitation, events: Sequence[AttemptEvent], at: datetime) -> Story:
    state = state_of(row, at)
    cause = BY_SLUG[_slug(row, state)]
    codes = [f"{event.code}/{event.subcode}" for event in events if event.code]
    facts = {
        "reference": row.reference,
        "reason": row.reason or state,
        "code": codes[-1] if codes else "it did not answer",
    }
    return Story(
        reference=row.reference,
        page_id=row.page_id,
        state=state,
        source="the API" if row.api_key_id else "our page",
        created_at=row.created_at,
        steps=_steps(row, events),
        cause=cause,
        sentence=cause.sentence.format_map(facts),
        fix=cause.fix.format_map(facts).replace("`", ""),
        parties=Parties(
            page_id=row.page_id,
            psid=row.psid,
            messenger_name=row.messenger_name,
            user=row.user,
            display_name=row.display_name,
        ),
    )


def _slug(row: Invitation, state: State) -> str:
    if state == "refused":
        slug = (row.reason or "").replace(" ", "_")
        return slug if slug in BY_SLUG else "refused"
    if row.reason == CHAT_REFUSED:
        return "chat_refused"
    if row.reason == OTHER_ACCOUNT:
        return "other_account"
    if state == "expired":
        return _obstacle(row)
    return state if state in BY_SLUG else "running"


def _obstacle(row: Invitation) -> str:
    """Return what was still missing when the time of *row* was over."""
    if row.accepted_at is not None:
        return "not_confirmed"
    if row.psid is None or row.ended_at is not None:
        return "unclaimed"
    return "not_asked" if row.asked_at is None else "no_answer"


def _steps(row: Invitation, events: Sequence[AttemptEvent]) -> tuple[Step, ...]:
    name = f" as {row.display_name}" if row.display_name else ""
    public = f"invited ({row.issuer})"
    steps = [Step(row.created_at, f"invited{name} ({row.issuer})", public)]
    for at, words in _moments(row):
        steps.append(Step(at, words, words))
    for event in events:
        until = event.last_at if event.times > 1 else None
        steps.append(Step(event.first_at, words_of(event), public_words_of(event), until))
    return tuple(sorted(steps, key=lambda step: step.at))


def _moments(row: Invitation) -> Iterator[tuple[datetime, str]]:
    """Yield what *row* itself says of its way, and when."""
    if row.claimed_at:
        yield row.claimed_at, _VIA.get(row.claimed_via or "", "claimed by a chat")
    if row.asked_at:
        asked = "six digits sent" if row.digits_hash else "question sent"
        yield row.asked_at, f"{asked}, {row.asks} in all"
    if row.accepted_at:
        yield row.accepted_at, "the chat agreed"
    if row.ended_at and row.ended_as:
        yield row.ended_at, row.ended_as + (f" ({row.reason})" if row.reason else "")
