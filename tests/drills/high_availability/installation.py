"""Several `threadlink serve` and `threadlink worker` over one database, by one of the ways."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import URL, text

from app.infra.database.engine import make_engine
from tests import shipped
from tests.bot import Bot
from tests.browsers import OverSockets
from tests.drills.acknowledgements import heard_by, unheard
from tests.drills.high_availability.load import Load
from tests.drills.high_availability.waiting import wait_until
from tests.drills.high_availability.ways import Way
from tests.drills.server_and_worker import ServerAndWorker, kill

_WAITING: Final = text("SELECT count(*) FROM outbox WHERE state = 'waiting'")
# A claim may be committed and not known to its worker: its lease of two minutes outlasts the drill.
# What was claimed ten seconds ago is no longer tried by anybody, with a bot that answers at once.
_END_LEASES: Final = text("""
    UPDATE outbox SET not_before = created_at
    WHERE state = 'waiting' AND not_before > now() AND not_before < now() + interval '110 seconds'
""")


# In its log, where it is a signal that ends it (docs.python.org/3/library/faulthandler.html).
_SAYS_WHY_IT_DIED: Final = {"PYTHONFAULTHANDLER": "1"}


@dataclass(frozen=True, slots=True)
class Installation:
    """So many servers, and as many workers, in folders of their own."""

    both: tuple[ServerAndWorker, ...]
    bot: Bot
    folders: tuple[Path, ...]

    @property
    def origins(self) -> list[str]:
        return [each.origin for each in self.both]

    def settle(self, database: URL, load: Load) -> None:
        """Wait until the bot has everything that was acknowledged, and *database* knows it."""

        def is_settled() -> bool:
            with engine.begin() as connection:
                connection.execute(_END_LEASES)
                waiting = connection.scalar(_WAITING)
            return not waiting and not unheard(load.acks, heard_by(self.bot))

        engine = make_engine(database)
        wait_until(is_settled)
        engine.dispose()

    def restart(self) -> None:
        """Restart each server and each worker, the next one when the one before is ready."""
        for each in self.both:
            for process in (each.server.process, each.worker):
                process.terminate()
                assert 0 == process.wait(shipped.PATIENCE_SECONDS)
                each.replace_the_dead()
            is_ready = partial(_is_ready, OverSockets(each.origin))
            wait_until(is_ready)

    def twice(self) -> int:
        """Return how many deliveries the bot was given more than once."""
        posts = Counter(received.body for received in self.bot.received)
        return sum(times > 1 for times in posts.values())

    def end(self) -> float:
        """Send SIGTERM to all; return how many seconds the last one took."""
        begin = time.monotonic()
        all_of_them = [p for each in self.both for p in (each.server.process, each.worker)]
        ended = [code for process in all_of_them if (code := process.poll()) is not None]
        assert [] == ended, self._logged()
        for process in all_of_them:
            process.terminate()
        codes = [process.wait(shipped.PATIENCE_SECONDS) for process in all_of_them]
        took = time.monotonic() - begin
        assert [0] * len(codes) == codes, f"{codes} {took:.1f} s: {self._logged()}"
        return took

    def _logged(self) -> str:
        """Return the last that each has logged."""
        return "\n".join((at / "log").read_text()[-2000:] for at in self.folders)

    def errors(self) -> Counter[str]:
        """Return how often each event was logged as an error."""
        lines = (line for at in self.folders for line in (at / "log").read_text().splitlines())
        found = (json.loads(line) for line in lines if line.startswith("{"))
        return Counter(each["event"] for each in found if each.get("level") == "error")


@contextmanager
def installed(way: Way, folder: Path, bot: Bot, *, count: int = 2) -> Iterator[Installation]:
    """Yield *count* of both over the database to which *way* leads; they are killed at the end."""
    folders = tuple(folder / str(number) for number in range(count))
    both: list[ServerAndWorker] = []
    try:
        for each in folders:
            each.mkdir()
            settings = {**way.settings, **_SAYS_WHY_IT_DIED}
            both.append(ServerAndWorker(way.database, each, settings, bot=bot.url))
        # A worker that has yet to look at the database would not start without one.
        wait_until(lambda: all("Working." in (each / "log").read_text() for each in folders))
        yield Installation(tuple(both), bot, folders)
    finally:
        for process in (p for each in both for p in (each.server.process, each.worker)):
            if process.poll() is None:
                kill(process)


def _is_ready(browser: OverSockets) -> bool:
    return browser("GET", "/readyz").status == 200
