"""Lists of attempts for a page: newest first, one bounded read each, however many are stored.

Attempts that are settled have their cause in the row; that of the others is derived. A list is
both, merged by the time of opening, so that no filter is looked for in a row of a timeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Select, TextClause, exists, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from app.linking.attempt_status import state_of
from app.linking.models import SETTLED, UNSETTLED, Attempt, AttemptEvent
from app.linking.obstacles import OF_AUTHENTICATORS
from app.linking.timeline import timelines_of
from app.linking.values import User
from app.messenger.types import PageId, Psid

SHOWN: Final = 50
# Rows that one read looks at, whatever else they have to fit.
LOOKED_AT: Final = 5_000
# Of attempts that are not settled, whose causes are derived from their events.
DERIVED: Final = 100


_COLUMNS: Final = (Attempt.opened_at, Attempt.id, Attempt.reference)


class Place(NamedTuple):
    """The place of an attempt in the order of all, with the reference that pages ask by."""

    opened_at: datetime
    id: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilter:
    """Conditions on attempts; None leaves one out. *before* is exclusive.

    A *user*, or a *psid* with its Page, stands alone: all of theirs are few.
    """

    before: Place | None = None
    since: datetime | None = None
    page_id: PageId | None = None
    psid: Psid | None = None
    user: User | None = None
    cause: str | None = None
    stage: str | None = None
    authenticator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAttempt:
    """One attempt of a list, without the person."""

    place: Place
    page_id: PageId
    state: str
    stage: str
    cause: str

    @property
    def reference(self) -> str:
        """The reference that the person saw."""
        return self.place.reference

    @property
    def opened_at(self) -> datetime:
        """The time of opening."""
        return self.place.opened_at


@dataclass(frozen=True, slots=True)
class AttemptList:
    """Attempts that fit, newest first; *rest* is where older ones begin, None where none are."""

    attempts: tuple[ListedAttempt, ...]
    rest: Place | None


@dataclass(frozen=True, slots=True)
class _Part:
    """The attempts of one kind that fit; *end* is the place up to which they were looked for."""

    attempts: Sequence[ListedAttempt]
    end: Place | None


def list_attempts(session: Session, wanted: ListFilter, *, at: datetime) -> AttemptList:
    """Return the newest attempts that fit *wanted*."""
    if wanted.user is not None or wanted.psid is not None:
        parts: Sequence[_Part] = [_theirs(session, wanted, at)]
    else:
        parts = [_settled(session, wanted, at), _unsettled(session, wanted, at)]
    # Older than this, one of the two may have attempts that were not looked at.
    end = max((part.end for part in parts if part.end is not None), default=None)
    found = sorted(
        (one for part in parts for one in part.attempts if end is None or one.place >= end),
        key=lambda one: one.place,
        reverse=True,
    )
    if len(found) > SHOWN:
        return AttemptList(tuple(found[:SHOWN]), found[SHOWN - 1].place)
    return AttemptList(tuple(found), end)


def place_of(session: Session, reference: str) -> Place | None:
    """Return the place of the attempt of *reference*, None where there is none."""
    row = session.execute(select(*_COLUMNS).where(Attempt.reference == reference)).one_or_none()
    return None if row is None else Place(*row)


def _settled(session: Session, wanted: ListFilter, at: datetime) -> _Part:
    looked = _in_order(wanted, SETTLED)
    fits = _conditions(wanted)
    rows = looked
    if fits:
        # The rows that the index gives are as many as these at most, whether they fit or not.
        some = aliased(Attempt, looked.limit(LOOKED_AT).subquery())
        rows = select(some).where(*_conditions(wanted, some)).order_by(*_newest_first(some))
    attempts = [
        _listed(row, row.stage or "", row.cause or "", at)
        for row in session.scalars(rows.limit(SHOWN + 1))
    ]
    if len(attempts) > SHOWN:
        return _Part(attempts, attempts[-1].place)
    return _Part(attempts, _last_looked_at(session, looked) if fits else None)


def _unsettled(session: Session, wanted: ListFilter, at: datetime) -> _Part:
    rows = session.scalars(
        _in_order(wanted, UNSETTLED).where(*_conditions(wanted, settled=False)).limit(DERIVED)
    ).all()
    told = (
        _listed(row, timeline.conclusion.stage.value, timeline.conclusion.cause.slug, at)
        for row, timeline in zip(rows, timelines_of(session, rows, at=at), strict=True)
    )
    fitting = [
        one
        for one in told
        if wanted.cause in {None, one.cause} and wanted.stage in {None, one.stage}
    ]
    return _Part(fitting, _place_of(rows[-1]) if len(rows) == DERIVED else None)


def _theirs(session: Session, wanted: ListFilter, at: datetime) -> _Part:
    if wanted.user is not None:
        user = wanted.user
        which = (Attempt.issuer == user.issuer) & (Attempt.subject == user.subject)
    else:
        which = (Attempt.page_id == wanted.page_id) & (Attempt.psid == wanted.psid)
    # Found first and sorted then: an index that has the order would be read to its end.
    some = aliased(Attempt, select(Attempt).where(which).limit(LOOKED_AT).subquery())
    query = select(some).order_by(*_newest_first(some)).limit(SHOWN + 1)
    if wanted.before is not None:
        query = query.where(_place(some) < tuple(wanted.before[:2]))
    rows = session.scalars(query).all()
    under_way = [row for row in rows if row.settled_at is None]
    told = {
        row.id: timeline.conclusion
        for row, timeline in zip(under_way, timelines_of(session, under_way, at=at), strict=True)
    }
    attempts = [
        _listed(row, told[row.id].stage.value, told[row.id].cause.slug, at)
        if row.id in told
        else _listed(row, row.stage or "", row.cause or "", at)
        for row in rows
    ]
    return _Part(attempts, attempts[-1].place if len(rows) > SHOWN else None)


def _in_order(wanted: ListFilter, kind: TextClause) -> Select[Attempt]:
    """Return the attempts of *kind* that an index has in this order: of a cause, a Page or all."""
    rows = select(Attempt).where(kind).order_by(*_newest_first(Attempt))
    if wanted.before is not None:
        rows = rows.where(_place(Attempt) < tuple(wanted.before[:2]))
    if wanted.since is not None:
        rows = rows.where(Attempt.opened_at >= wanted.since)
    if wanted.cause is not None and kind is SETTLED:
        return rows.where(Attempt.cause == wanted.cause)
    return rows if wanted.page_id is None else rows.where(Attempt.page_id == wanted.page_id)


def _conditions(
    wanted: ListFilter, table: type[Attempt] = Attempt, *, settled: bool = True
) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of *wanted* that its index does not answer."""
    conditions = []
    if wanted.page_id is not None and wanted.cause is not None:
        conditions.append(table.page_id == wanted.page_id)
    if wanted.stage is not None and settled:
        conditions.append(table.stage == wanted.stage)
    if wanted.authenticator is not None:
        tried = exists().where(
            AttemptEvent.reference == table.reference,
            AttemptEvent.kind.in_(OF_AUTHENTICATORS),
            AttemptEvent.subject == wanted.authenticator,
        )
        conditions.append(or_(table.issuer == wanted.authenticator, tried))
    return conditions


def _last_looked_at(session: Session, looked: Select[Attempt]) -> Place | None:
    """Return the place of the last of the rows that were looked at, None if there are no more."""
    last = looked.with_only_columns(*_COLUMNS).offset(LOOKED_AT - 1).limit(1)
    row = session.execute(last).one_or_none()
    return None if row is None else Place(*row)


def _newest_first(table: type[Attempt]) -> tuple[ColumnElement[datetime], ColumnElement[str]]:
    return table.opened_at.desc(), table.id.desc()


def _place(table: type[Attempt]) -> ColumnElement[tuple[datetime, str]]:
    return tuple_(table.opened_at, table.id)


def _place_of(row: Attempt) -> Place:
    return Place(row.opened_at, row.id, row.reference)


def _listed(row: Attempt, stage: str, cause: str, at: datetime) -> ListedAttempt:
    return ListedAttempt(
        place=_place_of(row),
        page_id=row.page_id,
        state=state_of(row, at),
        stage=stage,
        cause=cause,
    )
