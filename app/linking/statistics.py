"""Statistics of attempts: how far they came, and what kept the others, from the settled counts.

The commands and the console show these numbers, and take them from here.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeVarTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.linking.causes.cause import Stage
from app.linking.models import UNSETTLED, Attempt, AttemptsOfDay, LinkTimesOfDay
from app.linking.settling import BUCKETS
from app.messenger.types import PageId

Columns = TypeVarTuple("Columns")

# Each includes all that follow.
STAGES: Final = (Stage.OPENED, Stage.SIGNED_IN, Stage.CONFIRMED, Stage.LINKED)
# What is under way is counted no further: some milliseconds.
COUNTED_UP_TO: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CountFilter:
    """The counts that are meant: of the days from *since* on, up to *until*, which is exclusive."""

    since: date
    until: date | None = None
    page_id: PageId | None = None
    authenticator: str | None = None

    @classmethod
    def of_last(
        cls,
        days: int,
        today: date,
        *,
        page_id: PageId | None = None,
        authenticator: str | None = None,
    ) -> "CountFilter":
        """Return the last *days* days, *today* included."""
        since = today - timedelta(days=days - 1)
        return cls(since=since, page_id=page_id, authenticator=authenticator)

    def before(self, today: date) -> "CountFilter":
        """Return as many days as there are up to *today*, just before these."""
        days = (today - self.since).days + 1
        return CountFilter(
            since=self.since - timedelta(days=days),
            until=self.since,
            page_id=self.page_id,
            authenticator=self.authenticator,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """Attempts that are not counted yet; each is counted up to `COUNTED_UP_TO`.

    *open_* may still be confirmed, or were over a minute ago; *confirmed* wait for Messenger.
    """

    open_: int
    confirmed: int

    @property
    def total(self) -> int:
        """All that are under way."""
        return self.open_ + self.confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The attempts of some days: *reached* counts those that came at least to a stage.

    *causes* counts those that were not linked, the most frequent first. *times* counts the links
    by the upper bound in seconds of the time from opening to link; 0 is more than all bounds.
    """

    reached: Mapping[Stage, int]
    # By day: the attempts that were opened, and those of them that were linked.
    days: Mapping[date, tuple[int, int]]
    causes: Mapping[str, int]
    times: Mapping[int, int]
    under_way: UnderWay

    @property
    def median_s(self) -> int | None:
        """The bound within which half of the links were made; None without any."""
        return _median(self.times)

    @property
    def missed(self) -> int:
        """The attempts that were not linked."""
        return sum(self.causes.values())


def statistics_of(session: Session, wanted: CountFilter) -> Statistics:
    """Return the statistics of *wanted*."""
    stages: Counter[Stage] = Counter()
    causes: Counter[str] = Counter()
    days: defaultdict[date, list[int]] = defaultdict(lambda: [0, 0])
    columns = (AttemptsOfDay.day, AttemptsOfDay.stage, AttemptsOfDay.cause)
    counted = select(*columns, func.sum(AttemptsOfDay.attempts)).group_by(*columns)
    for day, name, cause, number in session.execute(_of_days(counted, wanted)):
        stage, attempts = Stage(name), int(number)
        is_linked = stage is Stage.LINKED
        stages[stage] += attempts
        days[day][0] += attempts
        days[day][1] += attempts * is_linked
        if not is_linked:
            causes[cause] += attempts
    return Statistics(
        reached={
            stage: sum(stages[later] for later in STAGES[place:])
            for place, stage in enumerate(STAGES)
        },
        days={day: (opened, linked) for day, (opened, linked) in sorted(days.items())},
        causes=dict(sorted(causes.items(), key=lambda item: (-item[1], item[0]))),
        times=_times(session, wanted),
        under_way=_under_way(session, wanted),
    )


def causes_of(session: Session, wanted: CountFilter) -> Mapping[str, int]:
    """Return how many attempts were not linked, by cause."""
    counted = select(AttemptsOfDay.cause, func.sum(AttemptsOfDay.attempts))
    counted = counted.where(AttemptsOfDay.stage != Stage.LINKED.value)
    rows = session.execute(_of_days(counted, wanted).group_by(AttemptsOfDay.cause))
    return {cause: int(number) for cause, number in rows}


def places_of_cause(
    session: Session, cause: str, wanted: CountFilter
) -> Mapping[tuple[date, PageId], int]:
    """Return how many attempts ended by *cause*, by day and Page, the last day first."""
    columns = (AttemptsOfDay.day, AttemptsOfDay.page_id)
    counted = select(*columns, func.sum(AttemptsOfDay.attempts)).group_by(*columns)
    rows = _of_days(counted, wanted).where(AttemptsOfDay.cause == cause)
    rows = rows.order_by(AttemptsOfDay.day.desc(), AttemptsOfDay.page_id)
    return {(day, page_id): int(number) for day, page_id, number in session.execute(rows)}


def _of_days(counted: Select[*Columns], wanted: CountFilter) -> Select[*Columns]:
    counted = counted.where(AttemptsOfDay.day >= wanted.since)
    if wanted.until is not None:
        counted = counted.where(AttemptsOfDay.day < wanted.until)
    if wanted.page_id is not None:
        counted = counted.where(AttemptsOfDay.page_id == wanted.page_id)
    if wanted.authenticator is not None:
        counted = counted.where(AttemptsOfDay.authenticator == wanted.authenticator)
    return counted


def _times(session: Session, wanted: CountFilter) -> Mapping[int, int]:
    # Not by authenticator: the times are not kept by it.
    times = select(LinkTimesOfDay.bucket, func.sum(LinkTimesOfDay.links))
    times = times.where(LinkTimesOfDay.day >= wanted.since).group_by(LinkTimesOfDay.bucket)
    if wanted.until is not None:
        times = times.where(LinkTimesOfDay.day < wanted.until)
    if wanted.page_id is not None:
        times = times.where(LinkTimesOfDay.page_id == wanted.page_id)
    found = {bucket: int(links) for bucket, links in session.execute(times)}
    return {bucket: found.get(bucket, 0) for bucket in (*BUCKETS, 0)} if found else {}


def _under_way(session: Session, wanted: CountFilter) -> UnderWay:
    since = datetime.combine(wanted.since, time(), UTC)
    rows = select(Attempt.confirmed_at).where(UNSETTLED, Attempt.opened_at >= since)
    if wanted.until is not None:
        rows = rows.where(Attempt.opened_at < datetime.combine(wanted.until, time(), UTC))
    if wanted.page_id is not None:
        rows = rows.where(Attempt.page_id == wanted.page_id)
    some = rows.limit(COUNTED_UP_TO).subquery()
    counts = select(func.count(), func.count(some.c.confirmed_at)).select_from(some)
    total, confirmed = session.execute(counts).one()
    return UnderWay(open_=total - confirmed, confirmed=confirmed)


def _median(links: Mapping[int, int]) -> int | None:
    if not links:
        return None
    half = sum(links.values()) / 2
    # 0 counts what took longer than all the bounds.
    for bound in sorted(links, key=lambda bucket: (bucket == 0, bucket)):
        half -= links[bound]
        if half <= 0:
            return bound
    return None
