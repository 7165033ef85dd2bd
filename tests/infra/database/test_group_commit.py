"""Waiting for the writer of this process, and for those of other processes (R49, R118)."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from typing import Final

import pytest
from sqlalchemy import URL, Engine, text
from sqlalchemy.orm import Session

from app import create_app
from app.infra.database.engine import make_engine
from app.infra.database.gathering import MOST_WAITING
from app.infra.database.writer import NotCommitted, Writer
from app.infra.settings.database_url import database_url
from app.services.container import build
from tests.actors import Messenger, unlinked
from tests.browsers import InProcess
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, NOON, PUBLIC_URL, settings_for

PATIENCE: Final = 60.0
GREEDY: Final = 3
TURNS: Final = 50
HASTY_S: Final = 0.5


@contextmanager
def crowded(writer: Writer) -> Iterator[None]:
    """Keep *writer* busy until the block ends, its queue full of withdrawn use cases."""
    begun, may_end = threading.Event(), threading.Event()

    def linger(_session: Session) -> None:
        begun.set()
        may_end.wait(PATIENCE)

    async def fill() -> None:
        await asyncio.gather(*(give_up(writer, add, f"gone {n}") for n in range(MOST_WAITING)))

    with ThreadPoolExecutor(2) as callers:
        lingering = callers.submit(asyncio.run, give_up(writer, linger))
        begun.wait(PATIENCE)
        # On an event loop, since few threads may wait at once.
        callers.submit(asyncio.run, fill()).result(PATIENCE)
        lingering.result(PATIENCE)
        yield
        may_end.set()
    _wait_until_empty(writer)


async def give_up(writer: Writer, *what: object) -> None:
    with pytest.raises(NotCommitted):
        await writer.write_meanwhile(*what)  # type: ignore[arg-type]  # a use case and what it is about


def add(session: Session, key: str) -> None:
    session.execute(
        text("INSERT INTO throttle (key, window_at, failures) VALUES (:key, :at, 1)"),
        {"key": key, "at": NOON.replace(tzinfo=None).isoformat(sep=" ")},
    )


def keys(engine: Engine) -> list[str]:
    with engine.connect().execution_options(reading=True) as connection:
        return list(connection.scalars(text("SELECT key FROM throttle ORDER BY 1")))


def test_a_full_queue_is_answered_503_and_nothing_of_it_is_done(
    database: URL, engine: Engine
) -> None:
    """R49: at once, with Retry-After; what was answered so has not been done afterwards.

    It takes in again without a restart: the withdrawn cost nothing but their places.
    """
    writer = Writer(engine, limit_seconds=HASTY_S)
    services = replace(build(settings_for(database)), writer=writer)
    messenger = Messenger(InProcess(create_app(services), PUBLIC_URL))

    with crowded(writer):
        full = writer.waiting
        refused = messenger.tells(unlinked(ANA, NOON))
        still_full = writer.waiting
    # As Messenger does; half a second may be too short on a busy machine.
    taken = any(messenger.tells(unlinked(BEN, NOON)).status == 200 for _ in range(40))

    assert (MOST_WAITING, MOST_WAITING) == (full, still_full)
    assert 503 == refused.status
    assert "retry-after" in refused.headers
    assert taken
    assert [] == keys(engine)
    with engine.connect().execution_options(reading=True) as connection:
        assert [BEN] == list(connection.scalars(text("SELECT psid FROM link_event")))
    services.close()


@on_sqlite
def test_no_process_starves_while_others_write_without_a_pause(
    database: URL, engine: Engine
) -> None:
    """R118: SQLite's own wait polls less and less often, and lost against a busy process.

    Each of the few writes must come through within the three seconds of R49, else it raises.
    """
    processes = get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    stop, address = processes.Event(), database.render_as_string(hide_password=False)
    greedy = [
        processes.Process(target=_write_without_pause, args=(address, f"greedy {number}", stop))
        for number in range(GREEDY)
    ]
    for process in greedy:
        process.start()
    _wait_until_all_write(engine)
    polite = Writer(engine)
    for turn in range(TURNS):
        polite.write(add, f"polite {turn}")
    stop.set()
    for process in greedy:
        process.join()

    assert [0] * GREEDY == [process.exitcode for process in greedy]
    assert TURNS == sum(key.startswith("polite") for key in keys(engine))


def _write_without_pause(address: str, name: str, stop: Event) -> None:
    """Write until *stop*; runs in a process of its own, and fails if it is starved."""
    engine = make_engine(database_url(address))
    writer, turn = Writer(engine), 0
    while not stop.is_set():
        writer.write(add, f"{name} {turn}")
        turn += 1
    engine.dispose()


def _wait_until_all_write(engine: Engine) -> None:
    tick = threading.Event()
    while len({key.rpartition(" ")[0] for key in keys(engine)}) < GREEDY:
        tick.wait(0.01)


def _wait_until_empty(writer: Writer) -> None:
    tick = threading.Event()
    while writer.waiting:
        tick.wait(0.001)
