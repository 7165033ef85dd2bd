"""Server and worker are killed under load; the bot still hears of everything (R99, R116)."""

import json
import os
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, text

from app.database import make_engine
from app.linking.history import User
from app.linking.moving_in import OldLink, take_over
from app.writer import Writer
from tests import bot as bots
from tests import shipped
from tests.bot import Bot
from tests.drills.ledger import Ledger, kill, load_on, psid_of
from tests.installation import NOON, PAGE

# `make drills` asks for 100.
KILLS = int(os.environ.get("DRILL_BOT_KILLS", "5"))
LINKS = 200 + 200 * KILLS
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(slots=True)
class Heard:
    """What came to the bot: messages by their PSID, and the ids of the notices about each PSID."""

    messages: set[str] = field(default_factory=set)
    notice_ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    posts: int = 0


class Pair:
    """A server without a worker inside, and a worker; either can be killed, and is replaced."""

    def __init__(self, database: URL, folder: Path, bot: Bot) -> None:
        self._database, self._folder = database, folder
        self._settings = {
            "WORKERS": "2",
            "BOT_MESSENGER_URL": f"{bot.url}/messenger",
            "BOT_WEBHOOK_URL": f"{bot.url}/notices",
            "BOT_WEBHOOK_SECRET": SECRET,
        }
        self.server = self._new_server()
        self.worker = self._new_worker()

    def kill_server(self) -> None:
        kill(self.server.process)

    def kill_worker(self) -> None:
        kill(self.worker)

    def replace_the_dead(self) -> None:
        if self.server.process.poll() is not None:
            self.server = self._new_server()
        if self.worker.poll() is not None:
            self.worker = self._new_worker()

    def stop(self) -> None:
        for process in (self.server.process, self.worker):
            process.terminate()
            process.wait(shipped.PATIENCE_SECONDS)

    def _new_server(self) -> shipped.Shipped:
        return shipped.start(self._database, self._folder, **self._settings)

    def _new_worker(self) -> subprocess.Popen[bytes]:
        return shipped.start_worker(self._database, self._folder, **self._settings)


def test_the_bot_hears_of_all_when_server_and_worker_are_killed(
    database: URL, tmp_path: Path
) -> None:
    """R99, R116: each acknowledged message at least once, each change under one notice id."""
    link_all(database)
    ledger = Ledger()
    with bots.running() as bot, running(Pair(database, tmp_path, bot)) as pair:
        for number in range(KILLS):
            with load_on(pair.server, ledger, clients=2):
                wait_for_posts(bot, 50)
                (pair.kill_server if number % 2 else pair.kill_worker)()
            pair.replace_the_dead()
        drain(database)
        heard = heard_by(bot)

    log_outs = ended(database)
    linked = {psid_of(number) for number in range(1, 2 * LINKS, 2)}
    print(  # noqa: T201 - the figures of the drill
        f"{KILLS} kills, {len(ledger.messages)} messages and {len(ledger.log_outs)} log-outs "
        f"acknowledged, {len(log_outs)} changes, {heard.posts} posts to the bot, "
        f"{len(ledger.messages - heard.messages)} messages and "
        f"{len(log_outs - heard.notice_ids.keys())} notices lost"
    )
    assert set() == ledger.messages - heard.messages
    assert set() == (ledger.log_outs & linked) - log_outs
    assert log_outs == heard.notice_ids.keys()
    assert {1} == {len(ids) for ids in heard.notice_ids.values()}
    assert len(log_outs) == len(set.union(*heard.notice_ids.values()))


@contextmanager
def running(pair: Pair) -> Iterator[Pair]:
    try:
        yield pair
    finally:
        pair.stop()


def link_all(database: URL) -> None:
    """Let links stand for the first log-outs to end."""
    user = User("local", "jane")
    old = [OldLink(PAGE, psid_of(number), user) for number in range(1, 2 * LINKS, 2)]
    engine = make_engine(database)
    for first in range(0, LINKS, 100):
        Writer(engine).write(take_over, old[first : first + 100], at=NOON)
    engine.dispose()


def wait_for_posts(bot: Bot, more: int) -> None:
    tick = threading.Event()
    wanted = len(bot.received) + more
    while len(bot.received) < wanted:
        tick.wait(0.005)


def drain(database: URL) -> None:
    """Wait until nothing waits; the leases of the killed are ended for it, two minutes early."""
    tick = threading.Event()
    engine = make_engine(database)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE outbox SET not_before = created_at WHERE state = 'waiting'")
        )
    waiting = True
    while waiting:
        tick.wait(0.05)
        with engine.connect() as connection:
            waiting = bool(
                connection.scalar(text("SELECT count(*) FROM outbox WHERE state = 'waiting'"))
            )
    engine.dispose()


def heard_by(bot: Bot) -> Heard:
    """Return what came to *bot*, but for posts whose sender died within them."""
    heard = Heard()
    for received in bot.received:
        if len(received.body) < int(received.headers["Content-Length"]):
            continue
        heard.posts += 1
        told = json.loads(received.body)
        if received.path == "/notices":
            heard.notice_ids[told["data"]["psid"]].add(received.headers["webhook-id"])
        else:
            heard.messages |= {e["sender"]["id"] for e in told["entry"][0]["messaging"]}
    return heard


def ended(database: URL) -> set[str]:
    """Return whose links have ended."""
    engine = make_engine(database)
    with engine.connect() as connection:
        found = set(
            connection.scalars(
                text("SELECT psid FROM link WHERE subject IS NOT NULL AND state <> 'linked'")
            )
        )
    engine.dispose()
    return found
