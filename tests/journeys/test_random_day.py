"""A random day of the emulator's traffic: the console, the commands and /metrics count the same."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import pytest
from sqlalchemy import URL

from app.accounts.passwords import Hasher
from app.infra import clock
from app.infra.database.portions import in_portions
from app.linking import settling
from app.operators.roles import Role
from app.web.console.factory import make_console
from tests.conftest import LITTLE_WORK
from tests.journeys.faults_met import FAULTS_MET
from tests.journeys.town import Town, Visit, town_on
from tests.web.console.compared_numbers import (
    METRICS_TOKEN,
    assert_attempts_equal,
    assert_deliveries_equal,
    assert_queue_equals,
)
from tests.web.console.staff import CONSOLE_URL, Staff, add_operator

DAY: Final = timedelta(hours=23)
PEOPLE: Final = tuple(f"Person {number}" for number in range(48))
# Of those faults that end with the visit; each comes once in a day, as far as there are people.
FAULTS: Final = tuple(
    name for name, met in FAULTS_MET.items() if met.event and met.event[0] == "graph_failed"
)


def closes_the_page(visit: Visit) -> None:
    visit.person.follows()


def mistypes(visit: Visit) -> None:
    visit.person.follows()
    visit.person.signs_in(password="not the password")


def mistypes_once(visit: Visit) -> None:
    mistypes(visit)
    visit.person.signs_in()


def leaves_the_question(visit: Visit) -> None:
    visit.person.follows()
    visit.person.signs_in()


def connects(visit: Visit) -> None:
    leaves_the_question(visit)
    visit.connects()


def connects_and_writes(visit: Visit) -> None:
    connects(visit)
    visit.says("hello")


def connects_and_logs_out(visit: Visit) -> None:
    connects_and_writes(visit)
    visit.logs_out()


STORIES: Final[tuple[Callable[[Visit], None], ...]] = (
    closes_the_page,
    mistypes,
    mistypes_once,
    leaves_the_question,
    connects,
    connects_and_writes,
    connects_and_logs_out,
)


class Hands:
    """A clock that a test sets; without, it is that of the machine."""

    def __init__(self, real: Callable[[], datetime]) -> None:
        self._real = real
        self.behind = timedelta(0)

    def __call__(self) -> datetime:
        return self._real() - self.behind


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands(clock.now)
    monkeypatch.setattr(clock, "now", hands)
    monkeypatch.setattr("app.web.console.factory.Hasher", partial(Hasher, LITTLE_WORK))
    monkeypatch.setattr("app.messenger.graph.transport._PAUSES_S", (0.0, 0.0))
    return hands


@pytest.fixture
def town(database: URL) -> Iterator[Town]:
    more = {"CONSOLE_URL": CONSOLE_URL, "METRICS_TOKEN": METRICS_TOKEN}
    with town_on(database, PEOPLE, **more) as town:
        yield town


def test_the_console_counts_what_happened(hands: Hands, town: Town) -> None:
    """R142: attempts, causes, deliveries and queues, on both databases."""
    chance = random.Random(20261128)  # noqa: S311 - traffic, no secret
    town.expects_log_in()
    for name, before in zip(PEOPLE, _moments(chance), strict=True):
        hands.behind = before
        _lives(town, name, chance)
        town.flush()
    hands.behind = timedelta(0)
    services = town.services
    for _ in in_portions(services.writer, settling.unsettled(clock.now())):
        pass

    add_operator(services, "viewer", Role.VIEWER)
    staff = Staff(make_console(services))
    staff.signs_in("viewer")
    page = staff.opens("/?days=7")

    assert_attempts_equal(page, services)
    assert_queue_equals(page, town.app)
    assert_deliveries_equal(page, services)


def _moments(chance: random.Random) -> list[timedelta]:
    """Return how long before the end of the day each person comes, the first one first."""
    return sorted((chance.random() * DAY for _ in PEOPLE), reverse=True)


def _lives(town: Town, name: str, chance: random.Random) -> None:
    faults = town.emulator.faults
    fault = chance.choice(FAULTS) if chance.random() < 1 / 4 else None
    if fault:
        faults.turn_on(fault)
    with town.visit(name) as visit:
        visit.taps_log_in()
        if visit.person.sees.status == 303:
            (leaves_the_question if fault else chance.choice(STORIES))(visit)
    faults.clear()
