"""A bot is down for two days: nothing is lost, and the oldest come first after (R97, R99, R100).

With real sockets and a clock that the drill moves: no time is waited for. `make drills` has twenty
thousand deliveries, and prints how long the backlog takes.
"""

import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import pytest
from sqlalchemy import Engine

from app.infra.database.writer import Writer
from app.infra.settings.reader import Reader
from app.infra.settings.retention import read_retention
from app.outbox import dropped, inspection
from app.outbox.bot_webhooks import CONCURRENCY, DELIVERY, delivery_handler
from app.outbox.dispatcher import CLAIMS_PER_THREAD, Dispatcher
from app.outbox.queue import enqueue_once
from app.outbox.retention import Sweeper
from tests import bot as bots
from tests.bot import Bot
from tests.conftest import on_sqlite
from tests.installation import NOON
from tests.ports import free_port

DELIVERIES: Final = int(os.environ.get("DRILL_DOWN_DELIVERIES", "50"))
DOWN: Final = timedelta(days=2)
STEP: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)
RETENTION: Final = read_retention(Reader({"KEEP_DELIVERIES_HOURS": "72"}))
# Posts of one claim are made side by side.
TOLERANCE: Final = 2 * CONCURRENCY * CLAIMS_PER_THREAD


class Worker:
    """The dispatcher of deliveries to *url* and the sweep, by a clock of its own."""

    def __init__(self, writer: Writer, url: str) -> None:
        self.at = NOON
        self._writer = writer
        self._sweeper = Sweeper(writer, RETENTION)
        self.sends_to(url)

    def sends_to(self, url: str) -> None:
        """Go on as a worker that was restarted, with another address of the bot."""
        self._dispatcher = Dispatcher(DELIVERY, delivery_handler(url), self._writer, self._now)

    def add(self, number: int) -> None:
        self._writer.write(enqueue_once, DELIVERY, f"{number:06d}".encode(), at=self.at)

    def works(self, seconds: int = 1) -> None:
        """Work for some seconds of its clock, and sweep."""
        for _ in range(seconds):
            while self._dispatcher.run_once():
                pass
            self.at += SECOND
        for _ in self._sweeper.sweep(self.at):
            pass

    def waiting(self) -> int:
        queues = self._writer.read(inspection.queue_stats)
        return sum(each.count for each in queues if each.state == "waiting")

    def lost(self) -> int:
        return self._writer.read(dropped.totals).dropped

    def _now(self) -> datetime:
        return self.at


@pytest.fixture
def bot() -> Iterator[Bot]:
    with bots.running() as bot:
        yield bot


@on_sqlite
@pytest.mark.parametrize("is_there", [False, True], ids=["no connection", "500 to everything"])
def test_a_bot_that_is_down_for_two_days_gets_all_of_it(
    engine: Engine, bot: Bot, *, is_there: bool
) -> None:
    """R97, R99, R100: each delivery once, in the order in which they came if none failed."""
    bot.answers(500)
    worker = Worker(Writer(engine), bot.url if is_there else f"http://127.0.0.1:{free_port()}")
    added = 0
    while worker.at < NOON + DOWN:
        due = DELIVERIES * ((worker.at - NOON) / DOWN)
        while added < min(due, DELIVERIES):
            worker.add(added)
            added += 1
        worker.works()
        worker.at += STEP
    waited, tries = worker.waiting(), len(bot.received)

    bot.answers(200)
    bot.received.clear()
    worker.sends_to(bot.url)
    up_at, begun = worker.at, time.monotonic()
    worker.works()
    # What was tried eight times and more keeps its time, up to a day: R99.
    while worker.waiting():
        worker.at += STEP / 4
        worker.works()
    took = time.monotonic() - begun

    heard = [int(received.body) for received in bot.received]
    print(  # noqa: T201 - figures
        f"\n{'500' if is_there else 'no connection'}: {added} deliveries, {waited} waiting after "
        f"two days, {tries} tries meanwhile; {worker.lost()} lost; drained in {took:.1f} s, "
        f"{(worker.at - up_at).total_seconds():.0f} s of the worker's clock"
    )
    assert 0 == worker.lost()
    assert list(range(added)) == sorted(heard)
    if not is_there:
        late = [place - number for place, number in enumerate(heard)]
        assert max(map(abs, late)) <= TOLERANCE
