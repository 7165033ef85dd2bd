"""The findings of the worker's last look at Meta, and the wish that it looks again.

Whoever shows them asks nobody at Meta. Nothing here commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.setup.findings import Finding, Verdict
from app.setup.models import MetaLookRow, SetupFindingRow

# Meta counts calls, and what is looked at there seldom changes.
NOT_AGAIN_WITHIN: Final = timedelta(minutes=10)
_ID: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The last look at Meta: what it found, worst first, and when; None: there was none.

    *wished_at* is when somebody asked for another, which has not been taken yet.
    """

    findings: tuple[Finding, ...]
    looked_at: datetime | None
    wished_at: datetime | None

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that need somebody."""
        return tuple(one for one in self.findings if one.verdict == "problem")

    def next_at(self) -> datetime | None:
        """Return from when on another look may be asked for."""
        return self.looked_at and self.looked_at + NOT_AGAIN_WITHIN


_ORDER: Final[Sequence[Verdict]] = ("problem", "warning", "ok")


def keep(session: Session, findings: Sequence[Finding], *, at: datetime) -> None:
    """Store *findings* in place of those of before, and that the look was taken."""
    session.execute(delete(SetupFindingRow))
    session.add_all(
        SetupFindingRow(
            place=place,
            subject=one.subject[:128],
            verdict=one.verdict,
            words=one.words[:1000],
            fix=one.fix[:1000],
            is_unchecked=one.is_unchecked,
        )
        for place, one in enumerate(findings)
    )
    _set(session, looked_at=at, wished_at=None)


def read(session: Session) -> Look:
    """Return the last look."""
    rows = session.scalars(select(SetupFindingRow).order_by(SetupFindingRow.place))
    findings = [
        Finding(row.subject, cast("Verdict", row.verdict), row.words, row.fix, row.is_unchecked)
        for row in rows
    ]
    look = session.get(MetaLookRow, _ID)
    return Look(
        findings=tuple(sorted(findings, key=lambda one: _ORDER.index(one.verdict))),
        looked_at=look.looked_at if look else None,
        wished_at=look.wished_at if look else None,
    )


def wish(session: Session, *, at: datetime) -> bool:
    """Ask for another look; return False where the last is too young, or one is asked for."""
    look = session.get(MetaLookRow, _ID)
    if look is not None and (
        look.wished_at is not None
        or (look.looked_at is not None and at - look.looked_at < NOT_AGAIN_WITHIN)
    ):
        return False
    _set(session, wished_at=at)
    return True


def read_wish(session: Session) -> bool:
    """Return whether somebody has asked for another look."""
    wished_at = select(MetaLookRow.wished_at).where(MetaLookRow.id == _ID)
    return session.scalar(wished_at) is not None


def claim_wish(session: Session) -> bool:
    """Take the wish, if there is one; of several workers, one gets it."""
    taken = update(MetaLookRow).where(MetaLookRow.wished_at.is_not(None)).values(wished_at=None)
    return session.scalar(taken.returning(MetaLookRow.id)) is not None


def _set(session: Session, **values: datetime | None) -> None:
    new = insert_into(session.get_bind().dialect.name, MetaLookRow).values(id=_ID, **values)
    session.execute(new.on_conflict_do_update(index_elements=["id"], set_=values))
