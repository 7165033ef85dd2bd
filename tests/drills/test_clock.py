"""The clock of the machine moves while the server runs (R123)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import URL

from app.infra import clock
from tests import bot as bots
from tests import shipped
from tests.actors import Messenger, Person, linked, log_in, message, unlinked
from tests.bot import Bot
from tests.browsers import OverSockets
from tests.conftest import on_sqlite
from tests.drills.load_generator import Graph, prepare
from tests.installation import PAGE, PASSWORD

# Debian's package faketime; a file says how far the clock of whoever loads it is off.
LIBRARIES: Final = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
STEPS: Final = ["-1d", "-1h", "+1h", "+1d"]
RIGHT: Final = "+0"

pytestmark = [
    on_sqlite,
    pytest.mark.skipif(not LIBRARIES, reason="there is no faketime: apt-get install faketime"),
]


class Site:
    """A server whose clock can be moved, and those who deal with it by the right time."""

    def __init__(self, origin: str, key: str, moved: Path) -> None:
        self._origin, self._moved = origin, moved
        self._business = OverSockets(origin, {"Authorization": f"Bearer {key}"})
        self.messenger = Messenger(OverSockets(origin))

    def clock_is(self, step: str) -> None:
        self._moved.write_text(f"{step}\n", encoding="ascii")

    def who_is(self, psid: str) -> int:
        return self._business("GET", f"/api/v1/links/{PAGE}/{psid}").status

    def person_at_sign_in(self, psid: str) -> Person:
        person = Person(OverSockets(self._origin))
        person.taps_log_in(log_in(f"{psid}-"))
        return person

    def code_for(self, psid: str) -> str:
        person = self.person_at_sign_in(psid)
        person.signs_in("jane0@example.com", PASSWORD)
        return person.connects()


@pytest.fixture
def bot() -> Iterator[Bot]:
    with bots.running() as bot:
        yield bot


@pytest.fixture
def site(database: URL, tmp_path: Path, bot: Bot) -> Iterator[Site]:
    moved = tmp_path / "moved"
    moved.write_text(f"{RIGHT}\n", encoding="ascii")
    settings = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(moved),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "BOT_MESSENGER_URL": f"{bot.url}/messenger",
    }
    key = prepare(database)
    with bots.running() as graph:
        graph.reply = Graph()
        with shipped.serving(database, GRAPH_URL=graph.url, **settings) as server:
            yield Site(server.origin, key, moved)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of three people while the clock was off, and after."""

    linked_in_time: int
    old_attempt: int
    linked_too_late: int
    ended: int
    too_late_again: int
    linked_again: int


def test_codes_attempts_and_ends_outlive_no_step_of_the_clock(site: Site) -> None:
    """R123: a code is good by Messenger's time, an attempt by ours; neither is for ever.

    Nor is an end: the next link stands, though the end came when the clock was wrong.
    """
    found = {step: _people_meet(site, step, first=7 * 10**15 + n) for n, step in enumerate(STEPS)}

    expected = Told(
        linked_in_time=200,
        # Its cookie is too old, or of the future: "Close this window and tap Log In again."
        old_attempt=400,
        linked_too_late=404,
        ended=404,
        too_late_again=404,
        linked_again=200,
    )
    assert dict.fromkeys(STEPS, expected) == found


def _people_meet(site: Site, step: str, *, first: int) -> Told:
    in_time, too_late, opened = (f"{first + 1000 * number}" for number in range(3))
    code = site.code_for(in_time)
    person = site.person_at_sign_in(opened)

    site.clock_is(step)
    site.messenger.tells(linked(in_time, code, clock.now()))
    linked_in_time = site.who_is(in_time)
    old_attempt = person.signs_in("jane0@example.com", PASSWORD).status
    odd_code = site.code_for(too_late)
    site.messenger.tells(linked(too_late, odd_code, clock.now()))
    linked_too_late = site.who_is(too_late)
    site.messenger.tells(unlinked(in_time, clock.now()))
    ended = site.who_is(in_time)

    site.clock_is(RIGHT)
    site.messenger.tells(linked(too_late, odd_code, clock.now()))
    too_late_again = site.who_is(too_late)
    site.messenger.tells(linked(in_time, site.code_for(in_time), clock.now()))
    linked_again = site.who_is(in_time)
    return Told(linked_in_time, old_attempt, linked_too_late, ended, too_late_again, linked_again)


def test_what_is_passed_on_waits_for_no_old_time(site: Site, bot: Bot) -> None:
    """R123: the bot gets what comes after a step, in either direction and back."""
    moments = [one for step in STEPS for one in (step, RIGHT)]
    for number, moment in enumerate(moments, start=1):
        site.clock_is(moment)
        site.messenger.tells(message(f"{7 * 10**15 + number}", "hello", clock.now()))
        bots.wait_for_posts(bot, number)

    assert len(moments) == len({received.body for received in bot.received})
