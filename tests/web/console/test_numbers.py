"""The numbers of the console are those of /metrics and of the commands, to the unit (R142)."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import pytest
from sqlalchemy import URL
from sqlalchemy.orm import Session

from app import create_app
from app.infra import clock
from app.infra.database.portions import in_portions
from app.infra.settings.settings import Settings
from app.linking import delivery_counts, graph_unlink, settling
from app.linking.attempt_events import Counted, Kind, Note, record
from app.linking.delivery_counts import minute_of
from app.linking.references import reference_of
from app.messenger.types import PageId, Psid
from app.operators.roles import Role
from app.outbox import heartbeats, queue
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.services.container import Services
from tests.installation import OTHER_PAGE, PAGE, settings_for
from tests.linking.factories import comes_back, confirmed, opened
from tests.linking.factories import signed_in as signs_in
from tests.web.console.compared_numbers import (
    METRICS_TOKEN,
    assert_attempts_equal,
    assert_deliveries_equal,
    assert_queue_equals,
)
from tests.web.console.staff import CONSOLE_URL, Staff

SignedIn = Callable[[Role], Staff]
DAY: Final = timedelta(days=1)


@pytest.fixture
def settings(database: URL) -> Settings:
    return settings_for(database, CONSOLE_URL=CONSOLE_URL, METRICS_TOKEN=METRICS_TOKEN)


@pytest.fixture
def day(services: Services) -> Services:
    """Return the services after a random day: attempts of all ends, deliveries, a queue."""
    chance, at = random.Random(20261127), clock.now()  # noqa: S311 - traffic, no secret

    def pass_(session: Session) -> None:
        for number in range(60):
            _attempt(session, chance, number, at - chance.random() * DAY)
        for _ in range(40):
            minute = minute_of(at - chance.random() * 3 * DAY)
            outcome = chance.choice(("current", "previous", "refused"))
            delivery_counts.add(session, {(minute, outcome): chance.randint(1, 50)})  # type: ignore[dict-item]
        for number in range(chance.randint(5, 20)):
            kind = chance.choice((NOTICE, DELIVERY, graph_unlink.KIND))
            queue.enqueue(session, kind, f"{number}".encode(), at=at - chance.random() * DAY)
        heartbeats.record_heartbeat(session, "1", at=at)
        heartbeats.record_meta_check(session, "1", 3, at=at)

    services.write(pass_)
    for _ in in_portions(services.writer, settling.unsettled(at)):
        pass
    return services


def _attempt(session: Session, chance: random.Random, number: int, at: datetime) -> None:
    page, psid = chance.choice((PAGE, OTHER_PAGE)), Psid(f"{10_000_000_000 + number}")
    match chance.randrange(4):
        case 0:
            ticket = opened(session, page_id=PageId(page), at=at)
            subject = chance.choice(("local", "ldap:staff"))
            note = Note(
                reference=reference_of(ticket.attempt_id),
                kind=Kind.CREDENTIALS_WRONG,
                subject=subject,
                at=at,
            )
            record(session, {note.key: Counted.one(note)})
        case 1:
            signs_in(session, psid=psid, page_id=PageId(page), at=at)
        case 2:
            confirmed(session, psid=psid, page_id=PageId(page), at=at)
        case _:
            code = confirmed(session, psid=psid, page_id=PageId(page), at=at)
            took = chance.randint(1, 500) * timedelta(seconds=1)
            comes_back(session, code, psid=psid, page_id=PageId(page), event_at=at + took)
    session.flush()


def test_the_overview_has_the_numbers_of_the_commands(day: Services, signed_in: SignedIn) -> None:
    """R142: of attempts, causes, times, and what is under way."""
    assert_attempts_equal(signed_in(Role.VIEWER).opens("/?days=7"), day)


def test_the_overview_has_the_numbers_of_the_metrics(day: Services, signed_in: SignedIn) -> None:
    assert_queue_equals(signed_in(Role.VIEWER).opens("/"), create_app(day))


def test_the_deliveries_are_those_that_are_counted(day: Services, signed_in: SignedIn) -> None:
    assert_deliveries_equal(signed_in(Role.VIEWER).opens("/"), day)
