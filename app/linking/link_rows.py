"""The row of one pair: read, read under a lock, and written, each by a statement compiled once.

Straight on the table: Messenger waits for this, and the ORM takes several times as long.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Row, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.linking.models import Link
from app.messenger.types import PageId, Psid


@dataclass(slots=True, kw_only=True)
class LinkRow:
    """A link as it is stored; `app.linking.models.Link` says what each column means."""

    page_id: PageId
    psid: Psid
    issuer: str | None = None
    subject: str | None = None
    display_name: str | None = None
    messenger_name: str | None = None
    state: str
    version: int
    change: int | None = None
    event_at: datetime
    ended_by_us_at: datetime | None = None
    cause: str
    reference: str | None = None


_TABLE: Final = cast("Table", Link.__table__)
_NAMES: Final = tuple(column.name for column in fields(LinkRow))
_FIND: Final = select(*(_TABLE.c[name] for name in _NAMES)).where(
    _TABLE.c.page_id == bindparam("its_page"), _TABLE.c.psid == bindparam("its_psid")
)
_LOCK: Final = _FIND.with_for_update()
_ADD: Final = insert(_TABLE)
_CHANGE: Final = (
    update(_TABLE)
    .where(_TABLE.c.page_id == bindparam("its_page"), _TABLE.c.psid == bindparam("its_psid"))
    .values({name: bindparam(f"new_{name}") for name in _NAMES[2:]})
)


def find(session: Session, page_id: PageId, psid: Psid) -> LinkRow | None:
    """Return the row of *page_id* and *psid*, if there is one."""
    return _row(session.execute(_FIND, {"its_page": page_id, "its_psid": psid}).first())


def lock(session: Session, page_id: PageId, psid: Psid) -> LinkRow | None:
    """Return the same; nobody else changes it before this transaction ends."""
    return _row(session.execute(_LOCK, {"its_page": page_id, "its_psid": psid}).first())


def add(session: Session, row: LinkRow) -> None:
    """Store a pair that has none; of two who do so at once, one is run again by `Writer.write`."""
    session.execute(_ADD, {name: getattr(row, name) for name in _NAMES})


def change(session: Session, row: LinkRow) -> None:
    """Store what has become of a row that is locked."""
    new = {f"new_{name}": getattr(row, name) for name in _NAMES[2:]}
    session.execute(_CHANGE, {"its_page": row.page_id, "its_psid": row.psid, **new})


def _row(found: Row[Any] | None) -> LinkRow | None:
    return None if found is None else LinkRow(**dict(zip(_NAMES, found, strict=True)))
