"""Resume: a text that the bot gives before a link, and that its notice brings back once.

It tells the bot where the conversation was; it never decides who is linked. A text for the API's
Log In button is a row of `Resume`, whose id is in the button's address; a short text may stand in
the address of a bot's own button. Either is the `state_ref` of the attempt, until the notice of
its end takes it. A text that other code keeps, such as that of an invitation, goes to
`notices.on_made` as it is.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION, Cleanup
from app.linking.models import Resume
from app.messenger.types import PageId, Psid

LONGEST: Final = 512
# NUL is what PostgreSQL cannot store.
ResumeText = Annotated[str, Meta(min_length=1, max_length=LONGEST, pattern=r"^[^\x00]+$")]
ResumeField = Annotated[
    str | None,
    Meta(
        description="What your bot gave as `resume` with its Log In button or as `state` in the "
        "button’s address, unchanged, in one notice only; else null. It tells where the "
        "conversation was, and never decides who is linked.",
        examples=["order 1042"],
    ),
]

# The beginning of a `state` that stands for a row; no short text begins so.
_OF_ROW: Final = "r."
_ROW: Final = re.compile(r"r\.([A-Za-z0-9_-]{22})")
# The characters that no program encodes in an address (RFC 3986, 2.3).
_SHORT: Final = re.compile(r"(?!r\.)[A-Za-z0-9._~-]{1,128}")


def keep(session: Session, page_id: PageId, psid: Psid, text: str, *, at: datetime) -> str:
    """Keep *text* for a Log In button to the person; return the `state` for its address."""
    row_id = secrets.token_urlsafe(16)
    session.add(Resume(id=row_id, page_id=page_id, psid=psid, text=text, created_at=at))
    return _OF_ROW + row_id


def short_text(values: Sequence[str]) -> str | None:
    """Return the text that an address has as its `state`, all of whose values are given.

    None where it has none, several, or one of another form.
    """
    return values[0] if len(values) == 1 and _SHORT.fullmatch(values[0]) else None


def state_ref(values: Sequence[str]) -> str | None:
    """Return what an attempt keeps of the `state` in its address: of a row, or as `short_text`."""
    if len(values) == 1 and _ROW.fullmatch(values[0]):
        return values[0]
    return short_text(values)


def take(session: Session, ref: str | None, page_id: PageId, psid: Psid) -> str | None:
    """Return the text of an attempt's `state_ref`, and delete its row: once, in one transaction.

    None where it was taken before or is too old, or is of another person's button.
    """
    if ref is None or not (of_row := _ROW.fullmatch(ref)):
        return ref
    row = (Resume.id == of_row[1]) & of(page_id, psid)
    # One statement decides between two notices.
    return session.scalar(delete(Resume).where(row).returning(Resume.text))


def words_of(ref: str) -> str:
    """Return an attempt's `state_ref` as operators may see it: that it is there."""
    return (
        "resume: of the bot's button" if _ROW.fullmatch(ref) else f"resume: {len(ref)} characters"
    )


def old(until: datetime) -> Cleanup[str]:
    """Return what deletes the texts that were given up to the time *until*."""
    return _deletion(Resume.created_at <= until)


def of_person(page_id: PageId, psid: Psid, until: datetime | None) -> Cleanup[str]:
    """Return what deletes the texts of the person's buttons, or those up to the time *until*."""
    theirs = of(page_id, psid)
    return _deletion(theirs if until is None else theirs & (Resume.created_at <= until))


def of(page_id: PageId, psid: Psid) -> ColumnElement[bool]:
    """Return the condition for the texts of the person's buttons."""
    return (Resume.page_id == page_id) & (Resume.psid == psid)


def _deletion(which: ColumnElement[bool]) -> Cleanup[str]:
    def find(session: Session, _: str | None) -> Sequence[str]:
        return session.scalars(select(Resume.id).where(which).limit(PORTION)).all()

    def forget(session: Session, ids: Sequence[str]) -> int:
        rows = delete(Resume).where(Resume.id.in_(ids)).returning(Resume.id)
        return len(session.scalars(rows).all())

    return Cleanup(find, forget)
