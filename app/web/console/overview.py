"""The overview: what is wrong now, how far people come, and what keeps the others from a link."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.infra.database.writer import NotCommitted
from app.linking import delivery_counts
from app.linking.attempt_status import LIFE
from app.linking.causes.cause import Stage
from app.linking.delivery_counts import Seen
from app.linking.entry_refusals import Refusal, by_cause, newest_refusals
from app.linking.settling import GRACE
from app.linking.statistics import (
    STAGES,
    CountFilter,
    Statistics,
    UnderWay,
    causes_of,
    statistics_of,
)
from app.messenger.types import PageId
from app.operators.roles import Role
from app.web.console import faults, rendering, words
from app.web.console.charts import Column, ColumnChart, Row, RowChart, column_chart, row_chart
from app.web.console.current import now
from app.web.console.faults import Health
from app.web.console.figures import age, count_name, queue_name, share
from app.web.console.reading import part, read
from app.web.console.rules import allows

bp = Blueprint("overview", __name__)

PERIODS: Final = {1: "today", 7: "7 days", 30: "30 days", 90: "90 days"}
DEFAULT_DAYS: Final = 7
# Deliveries are counted by the minute: more days would be read for longer than a page may take.
DELIVERY_DAYS: Final = 7
# Bounds of times from here on are told in minutes.
_MINUTES: Final = 120


@dataclass(frozen=True, slots=True)
class CauseLine:
    """A cause of loss with its number, and that of as many days before."""

    slug: str
    number: int
    share: str
    before: int
    fixed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCards:
    """The cards about attempts."""

    opened: int
    funnel: RowChart
    stages: tuple[tuple[str, str, str], ...]
    by_day: ColumnChart
    day_rows: tuple[tuple[str, str, str], ...]
    causes: tuple[CauseLine, ...]
    median: str
    histogram: ColumnChart
    time_rows: tuple[tuple[str, str], ...]
    under_way: UnderWay
    settled_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCard:
    """The card about deliveries."""

    total: int
    chart: ColumnChart
    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCard:
    """The card about the queue and the workers."""

    queues: tuple[tuple[str, str, str, str], ...]
    workers: int
    beat_at: datetime | None
    dropped: int


class _Parts(NamedTuple):
    """The parts of the page; one that could not be read is None."""

    attempts: AttemptCards | None
    deliveries: Mapping[date, Seen] | None
    refusals: Sequence[Refusal] | None
    health: Health | None


@bp.get("/")
@allows(Role.VIEWER, is_from_elsewhere=True)
def show() -> ResponseReturnValue:
    """Show the overview."""
    at = now()
    days = chosen_days(DEFAULT_DAYS)
    page, authenticator = words.asked("page"), words.asked("authenticator")
    wanted = CountFilter.of_last(
        days,
        at.date(),
        page_id=PageId(page) if page else None,
        authenticator=authenticator or None,
    )
    found, deliveries, refusals, state = _parts(wanted, at)
    return rendering.page(
        "overview.html",
        at=at,
        faults=None if state is None else [*faults.faults_of(state, at)],
        found=found,
        refusals=None if refusals is None else _refused(refusals),
        deliveries=None if deliveries is None else delivery_card(deliveries),
        health=None if state is None else health_card(state, at),
        days=days,
        periods=PERIODS.items(),
        page=page,
        page_ids=words.known_pages(),
        authenticator=authenticator,
        authenticators=words.known_authenticators(),
    )


def chosen_days(default: int) -> int:
    """Return the number of days that the address asks for, if it is one of those there are."""
    days = request.args.get("days", default, type=int)
    return days if days in PERIODS else default


def _parts(wanted: CountFilter, at: datetime) -> _Parts:
    """Return what the page shows, of one moment; where that fails, what can be read by itself."""
    try:
        return read(_all, wanted, at)
    except NotCommitted:
        return _Parts(
            part(_attempts, wanted, at),
            part(delivery_counts.by_day, days=DELIVERY_DAYS, until=at),
            part(newest_refusals, at=at),
            part(faults.health, at=at),
        )


def _all(session: Session, wanted: CountFilter, at: datetime) -> _Parts:
    return _Parts(
        _attempts(session, wanted, at),
        delivery_counts.by_day(session, days=DELIVERY_DAYS, until=at),
        newest_refusals(session, at=at),
        faults.health(session, at=at),
    )


def _attempts(session: Session, wanted: CountFilter, at: datetime) -> AttemptCards:
    found = statistics_of(session, wanted)
    before = causes_of(session, wanted.before(at.date()))
    return attempt_cards(found, before, wanted.since, at)


def attempt_cards(
    found: Statistics, before: Mapping[str, int], since: date, at: datetime
) -> AttemptCards:
    """Return the cards of *found*, which are the attempts since the day *since*."""
    opened = found.reached[Stage.OPENED]
    days = [since + timedelta(days=n) for n in range((at.date() - since).days + 1)]
    counts = [(day, *found.days.get(day, (0, 0))) for day in days]
    names = [(_time(bucket, found), links) for bucket, links in found.times.items()]
    marks = [name.removeprefix("≤ ") if name[0] == "≤" else "more" for name, _ in names]
    return AttemptCards(
        opened=opened,
        funnel=row_chart("How far people come", [*_funnel(found)]),
        stages=tuple(
            (words.words(stage), f"{found.reached[stage]:,}", share(found.reached[stage], opened))
            for stage in STAGES
        ),
        by_day=column_chart(
            "by-day",
            "Attempts by day",
            [Column(f"{day:%d %b}", total, linked) for day, total, linked in counts],
            part="linked",
            rest="not linked",
        ),
        day_rows=tuple(
            (f"{day:%d %b %Y}", f"{total:,}", f"{linked:,}")
            for day, total, linked in reversed(counts)
        ),
        causes=_causes(found, before),
        median=_median(found),
        histogram=column_chart(
            "times",
            "Time from opening to link",
            [Column(mark, *[links] * 2) for mark, (_, links) in zip(marks, names, strict=True)],
            part="links",
            rest="",
        ),
        time_rows=tuple((name, f"{links:,}") for name, links in names),
        under_way=found.under_way,
        settled_until=at - LIFE - GRACE,
    )


def delivery_card(counts: Mapping[date, Seen]) -> DeliveryCard:
    """Return the card of *counts*, by day."""
    columns = [
        Column(f"{day:%d %b}", seen.taken + seen.refused, seen.taken)
        for day, seen in counts.items()
    ]
    return DeliveryCard(
        total=sum(column.total for column in columns),
        chart=column_chart(
            "by-delivery", "Deliveries by day", columns, part="accepted", rest="refused"
        ),
        rows=tuple(
            (f"{day:%d %b %Y}", f"{seen.taken:,}", f"{seen.refused:,}")
            for day, seen in reversed([*counts.items()])
        ),
    )


def health_card(state: Health, at: datetime) -> HealthCard:
    """Return the card of *state*."""
    return HealthCard(
        queues=tuple(
            (queue.kind, queue_name(queue), count_name(queue.count), age(at - queue.oldest_at))
            for queue in state.queues
        ),
        workers=state.workers.alive,
        beat_at=state.workers.beat_at,
        dropped=state.dropped,
    )


def _refused(refusals: Sequence[Refusal]) -> tuple[tuple[str, int, str], ...]:
    counts = by_cause(refusals).items()
    return tuple((slug, number, words.fixer_of(slug)) for slug, number in counts)


def _causes(found: Statistics, before: Mapping[str, int]) -> tuple[CauseLine, ...]:
    return tuple(
        CauseLine(
            slug, number, share(number, found.missed), before.get(slug, 0), words.fixer_of(slug)
        )
        for slug, number in found.causes.items()
    )


def _funnel(found: Statistics) -> Iterator[Row]:
    opened = found.reached[Stage.OPENED]
    for stage in STAGES:
        yield Row(words.words(stage), found.reached[stage], share(found.reached[stage], opened))


def _time(bucket: int, found: Statistics) -> str:
    if bucket:
        return f"≤ {bucket} s" if bucket < _MINUTES else f"≤ {bucket // 60} min"
    return f"> {max(found.times) // 60} min"


def _median(found: Statistics) -> str:
    if found.median_s is None:
        return ""
    return f"within {found.median_s} seconds" if found.median_s else "in more than ten minutes"
