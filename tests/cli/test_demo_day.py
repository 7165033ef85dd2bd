"""The day of attempts that the demo begins with."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.cli import demo_day
from app.linking.causes.cause import Stage
from app.linking.models import Attempt, AttemptEvent, Link
from app.linking.statistics import CountFilter, statistics_of
from app.outbox.models import OutboxRow
from app.services import background
from app.services.container import Services
from tests.installation import NOON, PAGE


@pytest.fixture
def generated(services: Services) -> int:
    return demo_day.generate(services, PAGE, at=NOON)


def test_it_has_every_stage_and_many_causes(services: Services, generated: int) -> None:
    day = services.read(
        statistics_of, CountFilter(since=(NOON - timedelta(days=1)).date(), page_id=PAGE)
    )

    assert (generated, 0) == (day.reached[Stage.OPENED], day.under_way.open_)
    assert len(day.causes) >= 12
    assert day.reached[Stage.LINKED] > generated / 2
    assert {"graph_token_dead", "rate_limited", "event_other_person"} <= day.causes.keys()


def test_no_link_and_nothing_to_be_sent_is_left(services: Services, generated: int) -> None:
    """In the demo `links show` says what its visitor has done, and the bot hears of nobody."""
    standing = select(func.count()).select_from(Link).where(Link.state == "linked")
    waiting = select(func.count()).select_from(OutboxRow)

    assert generated > 0
    assert (0, 0) == (
        services.read(lambda session: session.scalar(standing)),
        services.read(lambda session: session.scalar(waiting)),
    )


def test_a_sweep_leaves_all_of_it(services: Services, generated: int) -> None:
    """It is within what is kept, so the numbers and the attempts behind them agree."""
    for _ in background.sweep(services, NOON):
        pass

    assert generated == services.read(
        lambda session: session.scalar(select(func.count()).select_from(Attempt))
    )


def test_it_is_the_same_each_time_and_of_the_past(services: Services, generated: int) -> None:
    """The picture of the console, and what is said of an attempt in the documents, stay true."""
    rows = services.read(
        lambda session: session.execute(
            select(Attempt.reference, Attempt.opened_at).order_by(Attempt.opened_at)
        ).all()
    )
    latest = services.read(lambda session: session.scalar(select(func.max(AttemptEvent.last_at))))

    assert generated == len({row.reference for row in rows})
    assert "nzch-h89y" == rows[0].reference
    assert latest is not None
    assert latest < NOON
