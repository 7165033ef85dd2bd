"""The same load for long: what a process holds does not grow (R125)."""

import os
import threading
from pathlib import Path
from time import monotonic

from sqlalchemy import URL

from app.infra import clock
from tests import bot as bots
from tests import shipped
from tests.actors import Messenger, message
from tests.browsers import OverSockets
from tests.conftest import on_sqlite
from tests.drills.processes import Holding, holding

# `make drills` asks for 600 seconds; in the short form nothing but descriptors is looked at.
SECONDS = int(os.environ.get("DRILL_SOAK_SECONDS", "6"))
IS_LONG = SECONDS >= 600
EVENTS_PER_SECOND = 200
# Enough to keep to that when an answer takes its time.
CLIENTS = 16
# Buffers and caches have their size by then.
WARM = 0.3
MOST_GROWTH = 1.05


@on_sqlite
def test_memory_and_descriptors_stay_flat_under_load(database: URL, tmp_path: Path) -> None:
    """R125: every event is passed on to a bot that answers; the server does the worker's work."""
    samples: list[Holding] = []
    with bots.running() as bot:
        bot.remembers = False
        messenger_url = {"BOT_MESSENGER_URL": f"{bot.url}/messenger"}
        server = shipped.start(database, tmp_path, **messenger_url)
        load = Load(server.origin)
        load.start()
        for _ in range(20):
            load.over.wait(SECONDS / 20)
            samples.append(holding(server.process.pid))
        load.stop()
        server.process.terminate()
        assert 0 == server.process.wait(shipped.PATIENCE_SECONDS)

    warm = samples[int(len(samples) * WARM) :]
    print(  # noqa: T201 - the figures of the drill
        f"\n{SECONDS} s at {load.taken / SECONDS:.0f} events/s ({load.taken} taken, "
        f"{load.refused} not): resident MiB {[round(s.resident / 2**20, 1) for s in samples]}, "
        f"descriptors {[s.descriptors for s in samples]}"
    )
    assert load.taken
    # Connections to the bot, to the clients and to the database come and go by a few.
    assert warm[-1].descriptors <= warm[0].descriptors + 8
    if IS_LONG:
        assert warm[-1].resident <= warm[0].resident * MOST_GROWTH


class Load:
    """So many events a second, from a few clients; late ones are not made up for."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.over = threading.Event()
        self.taken = self.refused = 0
        self._threads = [threading.Thread(target=self._post, args=(n,)) for n in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()

    def _post(self, client: int) -> None:
        browser = OverSockets(self._origin)
        messenger, due, number = Messenger(browser), monotonic(), 0
        while not self.over.wait(max(0.0, due - monotonic())):
            number += 1
            due = max(due + CLIENTS / EVENTS_PER_SECOND, monotonic() - 1)
            told = messenger.tells(message(f"{client}{number:015d}", "hello", clock.now()))
            self.taken += told.status == 200
            self.refused += told.status != 200
        browser.close()
