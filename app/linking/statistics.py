"""Statistics of attempts: how far they came, and what kept the others, from the settled counts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.linking.causes.cause import Stage
from app.linking.models import UNSETTLED, Attempt, AttemptsOfDay, LinkTimesOfDay
from app.messenger.types import PageId

# Each includes all that follow.
STAGES: Final = (Stage.OPENED, Stage.SIGNED_IN, Stage.CONFIRMED, Stage.LINKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The attempts of some days: *reached* counts those that came at least to a stage.

    *causes* counts those that were not linked, the most frequent first. *median_s* is the upper
    bound in seconds of half of the times from opening to link; 0 is more than all bounds.
    """

    reached: Mapping[Stage, int]
    causes: Mapping[str, int]
    median_s: int | None
    # Open, or waiting for Messenger: counted when they are over.
    under_way: int


def statistics_since(session: Session, since: date, *, page_id: PageId | None) -> Statistics:
    """Return the statistics from the day *since* on, of one page or of all."""
    counted = select(AttemptsOfDay.stage, AttemptsOfDay.cause, func.sum(AttemptsOfDay.attempts))
    counted = counted.where(AttemptsOfDay.day >= since)
    times = select(LinkTimesOfDay.bucket, func.sum(LinkTimesOfDay.links))
    times = times.where(LinkTimesOfDay.day >= since).group_by(LinkTimesOfDay.bucket)
    unsettled = select(func.count()).select_from(Attempt).where(UNSETTLED)
    if page_id is not None:
        counted = counted.where(AttemptsOfDay.page_id == page_id)
        times = times.where(LinkTimesOfDay.page_id == page_id)
        unsettled = unsettled.where(Attempt.page_id == page_id)
    stages: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    grouped = counted.group_by(AttemptsOfDay.stage, AttemptsOfDay.cause)
    for stage, cause, attempts in session.execute(grouped):
        stages[stage] += int(attempts)
        if stage != Stage.LINKED:
            causes[cause] += int(attempts)
    return Statistics(
        reached={
            stage: sum(stages[later] for later in STAGES[place:])
            for place, stage in enumerate(STAGES)
        },
        causes=dict(sorted(causes.items(), key=lambda item: (-item[1], item[0]))),
        median_s=_median({bucket: int(links) for bucket, links in session.execute(times)}),
        under_way=session.scalar(unsettled) or 0,
    )


def _median(links: Mapping[int, int]) -> int | None:
    half = sum(links.values()) / 2
    # 0 counts what took longer than all the bounds.
    for bound in sorted(links, key=lambda bucket: (bucket == 0, bucket)):
        half -= links[bound]
        if half <= 0:
            return bound
    return None
