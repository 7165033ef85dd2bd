"""Queries for many attempts, newest first and in windows: no answer reads all that are stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.linking.models import Attempt
from app.linking.timeline import Timeline, timelines_of
from app.linking.values import User
from app.messenger.types import PageId, Psid

# Attempts that one read looks at.
WINDOW: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFilter:
    """Conditions on attempts; None leaves one out. *until* is exclusive.

    Cause, stage and authenticator are derived: they are looked for among what fits all else.
    """

    since: datetime | None = None
    until: datetime | None = None
    page: PageId | None = None
    psid: Psid | None = None
    user: User | None = None
    cause: str | None = None
    stage: str | None = None
    authenticator: str | None = None

    @property
    def is_derived(self) -> bool:
        """True where rows have to be looked at that may not fit."""
        return any((self.cause, self.stage, self.authenticator))

    def fits(self, timeline: Timeline) -> bool:
        """Return whether the derived conditions hold for *timeline*."""
        told = timeline.conclusion
        return (
            self.cause in {None, told.cause.slug}
            and self.stage in {None, told.stage.value}
            and self.authenticator in {None, timeline.authenticator}
        )


@dataclass(frozen=True, slots=True)
class Window:
    """The timelines of some attempts, newest first, and the number of attempts looked at."""

    timelines: tuple[Timeline, ...]
    looked_at: int
    # The last attempt that was looked at: the next window begins behind it.
    last: str | None
    looked_back_to: datetime | None


class AttemptUnknown(Exception):
    """There is no attempt of the reference behind which a window is to begin."""


def window(
    session: Session, wanted: AttemptFilter, *, before: str | None, most: int, at: datetime
) -> Window:
    """Return those of the *most* newest attempts that fit *wanted*, opened before that of *before*.

    Raises:
        AttemptUnknown: There is no attempt of the reference *before*.
    """
    query = select(Attempt).order_by(Attempt.opened_at.desc(), Attempt.id.desc()).limit(most)
    if before is not None:
        place = select(Attempt.opened_at, Attempt.id).where(Attempt.reference == before)
        behind = session.execute(place).one_or_none()
        if behind is None:
            raise AttemptUnknown(before)
        query = query.where(tuple_(Attempt.opened_at, Attempt.id) < tuple(behind))
    if wanted.since is not None:
        query = query.where(Attempt.opened_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Attempt.opened_at < wanted.until)
    if wanted.page is not None:
        query = query.where(Attempt.page_id == wanted.page)
    if wanted.psid is not None:
        query = query.where(Attempt.psid == wanted.psid)
    if wanted.user is not None:
        query = query.where(
            Attempt.issuer == wanted.user.issuer, Attempt.subject == wanted.user.subject
        )
    return _window(session, session.scalars(query).all(), wanted, at)


def _window(
    session: Session, attempts: Sequence[Attempt], wanted: AttemptFilter, at: datetime
) -> Window:
    timelines = timelines_of(session, attempts, at=at)
    last = attempts[-1] if attempts else None
    return Window(
        tuple(filter(wanted.fits, timelines)),
        len(attempts),
        last.reference if last else None,
        last.opened_at if last else None,
    )
