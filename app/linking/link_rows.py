"""Rows of the table of links: read, read under a lock, and written.

Straight on the table, by statements that are compiled once: Messenger waits for this, and the ORM
takes several times as long.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.linking.models import Link
from app.linking.values import LinkValue
from app.messenger.types import PageId, Psid

_TABLE: Final = cast("Table", Link.__table__)
_NAMES: Final = tuple(field.name for field in fields(LinkValue))
_KEY: Final = ("page_id", "psid")

# What a query of whole links selects; `link_of` makes a value of each of its rows.
COLUMNS: Final = tuple(_TABLE.c[name] for name in _NAMES)

_FIND: Final = select(*COLUMNS).where(
    _TABLE.c.page_id == bindparam("its_page"), _TABLE.c.psid == bindparam("its_psid")
)
_LOCK: Final = _FIND.with_for_update()
_ADD: Final = insert(_TABLE)
_CHANGE: Final = (
    update(_TABLE)
    .where(_TABLE.c.page_id == bindparam("its_page"), _TABLE.c.psid == bindparam("its_psid"))
    .values({name: bindparam(f"new_{name}") for name in _NAMES if name not in _KEY})
)


def find(session: Session, page_id: PageId, psid: Psid) -> LinkValue | None:
    """Return the row of *page_id* and *psid*, if there is one."""
    row = session.execute(_FIND, {"its_page": page_id, "its_psid": psid}).first()
    return None if row is None else link_of(row)


def lock(session: Session, page_id: PageId, psid: Psid) -> LinkValue | None:
    """Return the same, locked: no other transaction changes it before this one ends."""
    row = session.execute(_LOCK, {"its_page": page_id, "its_psid": psid}).first()
    return None if row is None else link_of(row)


def add(session: Session, link: LinkValue) -> None:
    """Insert *link*; of two that insert the same pair at once, one is rerun by `Writer.write`."""
    session.execute(_ADD, {name: getattr(link, name) for name in _NAMES})


def change(session: Session, link: LinkValue) -> None:
    """Store *link* in the row of its pair, which is locked."""
    new = {f"new_{name}": getattr(link, name) for name in _NAMES if name not in _KEY}
    session.execute(_CHANGE, {"its_page": link.page_id, "its_psid": link.psid, **new})


def link_of(row: Sequence[Any]) -> LinkValue:
    """Return the link of *row*, which a select of `COLUMNS` has returned."""
    return LinkValue(**dict(zip(_NAMES, row, strict=True)))
