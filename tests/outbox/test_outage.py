"""A bot fails for two days and recovers: no notice is lost, and no retry storm follows.

R97 to R101, with real sockets and a clock that the test moves.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.infra.database.writer import Writer
from app.infra.settings.reader import Reader
from app.infra.settings.retention import read_retention
from app.outbox import dropped
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.outbox.circuit_breaker import FAILURE_THRESHOLD
from app.outbox.dispatcher import Dispatcher
from app.outbox.handlers import Handler
from app.outbox.http_post import HttpPoster
from app.outbox.models import OutboxRow
from app.outbox.queue import Claim, enqueue_once
from app.outbox.retention import Sweeper
from tests import bot as bots
from tests.bot import Bot
from tests.conftest import on_sqlite
from tests.installation import NOON

RETENTION: Final = read_retention(Reader({}))
STEP: Final = timedelta(hours=4)
STEPS: Final = 12
KINDS: Final = (NOTICE, DELIVERY)

FAULTS: Final[dict[str, Callable[[Bot], None]]] = {
    "500": lambda bot: bot.answers(500),
    "429": lambda bot: bot.answers(429, {"Retry-After": "3600"}),
    "301": lambda bot: bot.answers(301, {"Location": f"{bot.url}/elsewhere"}),
    "410": lambda bot: bot.answers(410),
    "drips": Bot.drips,
    "resets": Bot.resets,
    "hangs": Bot.hangs,
}
# With a short time limit, which saves time.
UNANSWERED: Final = frozenset({"drips", "hangs"})


class Days:
    """A worker's dispatchers for one bot, and a clock."""

    def __init__(self, writer: Writer, bot: Bot) -> None:
        self.at = NOON
        self._writer = writer
        self._sweeper = Sweeper(writer, RETENTION)
        self._bot = bot
        self.restart()

    def now(self) -> datetime:
        return self.at

    def restart(self, *, limit_s: float = 15) -> None:
        """Start the worker anew; a bot that does not answer is given up after *limit_s*."""
        poster = HttpPoster(self._bot.url, connections=4, total_s=limit_s)

        def post(claim: Claim) -> None:
            poster.post(claim.body, {"X-Kind": claim.kind})

        handler = Handler(post, concurrency=4)
        self._dispatchers = [Dispatcher(kind, handler, self._writer, self.now) for kind in KINDS]

    def add(self, number: int) -> None:
        for kind in KINDS:
            body = f"{kind} {number}".encode()
            self._writer.write(enqueue_once, kind, body, at=self.at)

    def work(self) -> int:
        """Dispatch what is due, and sweep; return how many deliveries were dropped so far."""
        for dispatcher in self._dispatchers:
            while dispatcher.run_once():
                pass
        for _ in self._sweeper.sweep(self.at):
            pass
        return self._writer.read(dropped.totals).dropped

    def waiting(self) -> int:
        return self._writer.read(_waiting)


@pytest.fixture
def bot() -> Iterator[Bot]:
    with bots.running() as bot:
        yield bot


@on_sqlite
@pytest.mark.parametrize("fault", FAULTS)
def test_two_days_of_a_failing_bot(engine: Engine, bot: Bot, fault: str) -> None:
    """R97, R99, R100: all notices and the deliveries of the last day arrive, each once."""
    days = Days(Writer(engine), bot)
    FAULTS[fault](bot)
    if fault in UNANSWERED:
        days.restart(limit_s=0.03)
    for number in range(STEPS):
        days.add(number)
        days.work()
        days.at += STEP
    asked = len(bot.received)
    # Nothing is just as old as what is dropped.
    days.at -= STEP / 2

    bot.answers(200)
    bot.received.clear()
    days.restart()
    gone = days.work()
    while days.waiting():
        days.at += timedelta(minutes=1)
        gone = days.work()
    heard = Counter(received.body.decode() for received in bot.received)

    # Each step tries what is new, and what failed before at the pace of a target that fails.
    assert asked <= len(KINDS) * (FAILURE_THRESHOLD + 4 * STEPS)
    notices = {f"{NOTICE} {number}" for number in range(STEPS)}
    deliveries = {f"{DELIVERY} {number}" for number in range(gone, STEPS)}
    assert dict.fromkeys(notices | deliveries, 1) == heard
    assert gone == STEPS - timedelta(days=1) // STEP


def _waiting(session: Session) -> int:
    count = select(func.count()).select_from(OutboxRow).where(OutboxRow.state == "waiting")
    return session.scalar(count) or 0
