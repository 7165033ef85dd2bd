"""Events of an attempt: the pages that a person saw, and the obstacles in their way.

One row for each kind of event and its subject, with first and last time and a number: an obstacle
that is met often adds no rows. No row holds what a person typed, nor any name, address or token.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.infra.database.portions import PORTION, Cleanup
from app.linking.models import ENTRY_REFUSED, AttemptEvent
from app.messenger.types import PageId


class Kind(StrEnum):
    """The kind of an event."""

    PAGE_SHOWN = "page_shown"
    CREDENTIALS_WRONG = "credentials_wrong"
    RATE_LIMITED = "rate_limited"
    GRAPH_FAILED = "graph_failed"
    NAME_WITHHELD = "name_withheld"
    NAME_UNAVAILABLE = "name_unavailable"
    NAME_FOUND = "name_found"
    NAME_LIKE_BRAND = "name_like_brand"
    AUTHENTICATOR_AWAY = "authenticator_away"
    AUTHENTICATOR_MISCONFIGURED = "authenticator_misconfigured"
    PROVIDER_LEFT = "provider_left"
    PROVIDER_RETURNED = "provider_returned"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_DECLINED = "provider_declined"
    PROVIDER_NOT_OFFERED = "provider_not_offered"
    CHAT_CODE_SENT = "chat_code_sent"
    CHAT_CODE_NOT_DELIVERED = "chat_code_not_delivered"
    CHAT_CODE_WRONG = "chat_code_wrong"
    CHAT_CODE_LIMITED = "chat_code_limited"
    QUESTION_CHANGED = "question_changed"
    TOO_MANY_LINKS = "too_many_links"
    TOKEN_SPENT = "token_spent"
    TOO_LATE = "too_late"
    COOKIE_ABSENT = "cookie_absent"
    FORM_REFUSED = "form_refused"
    GATE_FULL = "gate_full"
    DATABASE_AWAY = "database_away"
    INTERNAL_ERROR = "internal_error"
    # A request that belongs to no attempt.
    ENTRY_REFUSED = "entry_refused"


Key: TypeAlias = tuple[str, str, str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """An event that has just happened; *subject* and *detail* are our own words and numbers.

    *subject* is an authenticator (``oidc:google``), a Graph call, a limit, a page or a problem;
    *code* and *subcode* are those of Graph, LDAP or HTTP; *until* is the end of a limit.
    """

    reference: str
    kind: Kind
    at: datetime
    subject: str = ""
    code: int = 0
    subcode: int = 0
    detail: str = ""
    until: datetime | None = None
    page_id: PageId | None = None

    @property
    def key(self) -> Key:
        """The key of the row in which it is counted."""
        return (self.reference, self.kind, self.subject[:64], self.code, self.subcode)


@dataclass(frozen=True, slots=True)
class Counted:
    """The last of several notes of one key, with the first time and the number of them."""

    last: Note
    first_at: datetime
    times: int

    @classmethod
    def one(cls, note: Note) -> "Counted":
        """Return *note*, counted once."""
        return cls(note, note.at, 1)

    def plus(self, note: Note) -> "Counted":
        """Return these notes and *note*, which is newer."""
        return self.and_(Counted.one(note))

    def and_(self, newer: "Counted") -> "Counted":
        """Return these notes and the *newer* ones."""
        return Counted(newer.last, self.first_at, self.times + newer.times)


def record(session: Session, events: Mapping[Key, Counted]) -> None:
    """Add *events* to the stored ones, in one statement."""
    # In one order: else two processes that write the same two rows could deadlock.
    rows = [_row(events[key]) for key in sorted(events)]
    new = insert_into(session.get_bind().dialect.name, AttemptEvent).values(rows)
    session.execute(
        new.on_conflict_do_update(
            index_elements=[
                AttemptEvent.reference,
                AttemptEvent.kind,
                AttemptEvent.subject,
                AttemptEvent.code,
                AttemptEvent.subcode,
            ],
            set_={
                "detail": new.excluded.detail,
                "last_at": new.excluded.last_at,
                "times": AttemptEvent.times + new.excluded.times,
                "until_at": new.excluded.until_at,
                "page_id": func.coalesce(new.excluded.page_id, AttemptEvent.page_id),
            },
        )
    )


def events_of(session: Session, references: Iterable[str]) -> Mapping[str, Sequence[AttemptEvent]]:
    """Return the events of each of *references*, in the order in which they last happened."""
    by_reference: dict[str, list[AttemptEvent]] = {reference: [] for reference in references}
    if not by_reference:
        return by_reference
    rows = (
        select(AttemptEvent)
        .where(AttemptEvent.reference.in_(by_reference))
        .order_by(AttemptEvent.last_at, AttemptEvent.first_at)
    )
    for row in session.scalars(rows):
        by_reference[row.reference].append(row)
    return by_reference


def failing_authenticators(session: Session, *, since: datetime) -> Mapping[str, int]:
    """Return the authenticators that people have met failing *since* then, and how many met it."""
    failures = (Kind.AUTHENTICATOR_AWAY.value, Kind.AUTHENTICATOR_MISCONFIGURED.value)
    rows = (
        select(AttemptEvent.subject, func.count(AttemptEvent.reference.distinct()))
        .where(AttemptEvent.last_at >= since, AttemptEvent.kind.in_(failures))
        .group_by(AttemptEvent.subject)
    )
    return {row[0]: row[1] for row in session.execute(rows)}


def old_events(until: datetime) -> Cleanup[str]:
    """Return what deletes events last noted before *until*: those whose attempt is gone."""
    return _cleanup(AttemptEvent.last_at <= until)


def old_refusals(until: datetime) -> Cleanup[str]:
    """Return what deletes the events of requests without an attempt last noted before *until*."""
    return _cleanup(and_(ENTRY_REFUSED, AttemptEvent.last_at <= until))


def _cleanup(which: ColumnElement[bool]) -> Cleanup[str]:
    def find(session: Session, _: str | None) -> Sequence[str]:
        rows = select(AttemptEvent.reference).where(which)
        return session.scalars(rows.order_by(AttemptEvent.last_at).limit(PORTION)).all()

    def change(session: Session, references: Sequence[str]) -> int:
        # With the condition again: an event that has just happened once more is no longer old.
        old = delete(AttemptEvent).where(AttemptEvent.reference.in_(references), which)
        return len(session.scalars(old.returning(AttemptEvent.reference)).all())

    return Cleanup(find, change)


def forget(session: Session, references: Sequence[str]) -> None:
    """Delete the events of *references*, with whose attempts they go."""
    session.execute(delete(AttemptEvent).where(AttemptEvent.reference.in_(references)))


def _row(counted: Counted) -> dict[str, object]:
    note = counted.last
    return {
        "reference": note.reference,
        "kind": note.kind.value,
        "subject": note.subject[:64],
        "code": note.code,
        "subcode": note.subcode,
        "detail": note.detail[:160],
        "first_at": counted.first_at,
        "last_at": note.at,
        "times": counted.times,
        "until_at": note.until,
        "page_id": note.page_id,
    }
