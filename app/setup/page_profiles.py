"""The names and pictures of the Pages at Meta, as they are kept and read.

`app.setup.page_refresh` asks for them. Nothing here commits.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.infra.database.portions import PORTION, Cleanup
from app.infra.database.writer import NotCommitted
from app.messenger.pictures import Picture
from app.setup.models import PageProfileRow

log = structlog.get_logger()

ASKED_EVERY: Final = timedelta(days=1)
# One process alone asks: what another has asked within this time is not asked again.
NOT_AGAIN_WITHIN: Final = timedelta(minutes=10)
READ_EVERY_S: Final = 60.0
_UNSYNCHRONIZED: Final = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class KeptProfile:
    """The profile of a Page as it was told last; *answered_at* None: Graph has told nothing yet."""

    name: str | None = None
    picture: Picture | None = None
    answered_at: datetime | None = None
    refused_code: int | None = None


UNKNOWN: Final = KeptProfile()
_NONE: Final[Mapping[str, KeptProfile]] = {}


def read_all(session: Session, known: Mapping[str, KeptProfile] = _NONE) -> dict[str, KeptProfile]:
    """Return the profiles of all Pages, by their ids; pictures in *known* are not read again."""
    table = PageProfileRow
    rows = session.execute(
        select(table.page_id, table.name, table.answered_at, table.refused_code)
    ).all()
    changed = [
        row.page_id
        for row in rows
        if known.get(row.page_id, UNKNOWN).answered_at != row.answered_at
    ]
    read = session.execute(
        select(table.page_id, table.picture, table.picture_type).where(
            table.page_id.in_(changed), table.picture.is_not(None)
        )
    )
    pictures = {
        **{page_id: profile.picture for page_id, profile in known.items()},
        **dict.fromkeys(changed),
        **{row.page_id: Picture(row.picture, row.picture_type or "") for row in read},
    }
    return {
        row.page_id: KeptProfile(
            row.name, pictures.get(row.page_id), row.answered_at, row.refused_code
        )
        for row in rows
    }


def read_one(session: Session, page_id: str) -> KeptProfile:
    """Return the profile of *page_id*."""
    row = session.get(PageProfileRow, page_id)
    if row is None:
        return UNKNOWN
    picture = Picture(row.picture, row.picture_type or "") if row.picture is not None else None
    return KeptProfile(row.name, picture, row.answered_at, row.refused_code)


def due(session: Session, page_ids: Collection[str], *, at: datetime) -> tuple[str, ...]:
    """Return those of *page_ids* that are to be asked about: never asked, or a day ago.

    One that Graph did not answer about is asked again soon; one that it refused is not.
    """
    rows = session.execute(
        select(
            PageProfileRow.page_id,
            PageProfileRow.asked_at,
            PageProfileRow.answered_at,
            PageProfileRow.refused_code,
        )
    )
    waits = {
        row.page_id: (row.asked_at, row.answered_at is None and row.refused_code is None)
        for row in rows
    }

    def is_due(page_id: str) -> bool:
        asked_at, is_open = waits.get(page_id, (None, True))
        wait = NOT_AGAIN_WITHIN if is_open else ASKED_EVERY
        # In both directions: a clock that was set back must not end the questions.
        return asked_at is None or abs(at - asked_at) >= wait

    return tuple(page_id for page_id in page_ids if is_due(page_id))


def claim(session: Session, page_id: str, *, at: datetime, anyway: bool = False) -> bool:
    """Return whether the caller is to ask about *page_id*, and note that it does.

    With *anyway* it is, though somebody has just asked.
    """
    dialect = session.get_bind().dialect.name
    new = insert_into(dialect, PageProfileRow).values(page_id=page_id, asked_at=at)
    added = new.on_conflict_do_nothing().returning(PageProfileRow.page_id)
    if session.scalars(added).all():
        return True
    # The row is locked until the commit: of two processes one finds what the other has noted.
    is_long_ago = ~PageProfileRow.asked_at.between(at - NOT_AGAIN_WITHIN, at + NOT_AGAIN_WITHIN)
    asked = update(PageProfileRow).where(PageProfileRow.page_id == page_id)
    asked = asked if anyway else asked.where(is_long_ago)
    noted = asked.values(asked_at=at).returning(PageProfileRow.page_id)
    return bool(session.scalars(noted, execution_options=_UNSYNCHRONIZED).all())


def keep(session: Session, page_id: str, profile: KeptProfile) -> None:
    """Keep *profile* as that of *page_id*, unless the row has gone meanwhile."""
    picture = profile.picture
    session.execute(
        update(PageProfileRow)
        .where(PageProfileRow.page_id == page_id)
        .values(
            name=profile.name,
            picture=picture.content if picture else None,
            picture_type=picture.kind if picture else None,
            answered_at=profile.answered_at,
            refused_code=profile.refused_code,
        ),
        execution_options=_UNSYNCHRONIZED,
    )


def needless(page_ids: Collection[str]) -> Cleanup[str]:
    """Return what deletes the profiles of all Pages but *page_ids*, which are in the settings."""

    def find(session: Session, _: str | None) -> Sequence[str]:
        rows = select(PageProfileRow.page_id).where(PageProfileRow.page_id.not_in(page_ids))
        return session.scalars(rows.limit(PORTION)).all()

    def forget(session: Session, ids: Sequence[str]) -> int:
        rows = delete(PageProfileRow).where(PageProfileRow.page_id.in_(ids))
        gone = rows.returning(PageProfileRow.page_id)
        return len(session.scalars(gone, execution_options=_UNSYNCHRONIZED).all())

    return Cleanup(find, forget)


class KnownProfiles:
    """The profiles as this process knows them, read at most once a minute. Thread-safe.

    *read* is given what is known already. A database that is away leaves that.
    """

    def __init__(
        self,
        read: Callable[[Mapping[str, KeptProfile]], Mapping[str, KeptProfile]],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._read, self._now = read, now
        self._lock = threading.Lock()
        self._known: Mapping[str, KeptProfile] = {}
        self._read_at: float | None = None

    def of(self, page_id: str) -> KeptProfile:
        """Return the profile of *page_id*."""
        if self._is_old() and self._lock.acquire(blocking=self._read_at is None):
            try:
                # Another thread may have read them while this one waited.
                if self._is_old():
                    self._read_again()
            finally:
                self._lock.release()
        return self._known.get(page_id, UNKNOWN)

    def _is_old(self) -> bool:
        return self._read_at is None or self._now() - self._read_at >= READ_EVERY_S

    def _read_again(self) -> None:
        try:
            self._known = self._read(self._known)
        except NotCommitted:
            log.warning("page_profile.not_read")
        finally:
            # Also after a failure: no request waits for the database a second time.
            self._read_at = self._now()
