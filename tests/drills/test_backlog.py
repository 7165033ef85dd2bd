"""The outbox at its limit and everything else full: no delivery is refused meanwhile.

R49, R97, R112: what is periodic never holds the writer for long, and deletes what it is to delete.
`make drills` fills it to the documented limit, and prints how long the writer was held.
"""

import gc
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, perf_counter, thread_time
from typing import Any, Final

import pytest
from sqlalchemy import URL, Engine

from app.accounts import rate_limiter
from app.infra import clock
from app.infra.database import schema
from app.infra.database.engine import make_engine
from app.infra.database.group_commit import GroupCommitter
from app.infra.database.portions import in_portions
from app.infra.settings.database_url import database_url
from app.linking import delivery_counts
from app.linking import retention as linking_retention
from app.outbox.retention import Sweeper
from app.services.container import build
from tests import postgres, shipped
from tests.actors import Messenger, message
from tests.browsers import OverSockets
from tests.drills.backlog import BODY_BYTES, KEPT, OVERDUE, Backlog, count, fill
from tests.installation import settings_for

MIB: Final = int(os.environ.get("DRILL_BACKLOG_MIB", "1"))
ROWS: Final = int(os.environ.get("DRILL_BACKLOG_ROWS", "1000"))
SECONDS: Final = float(os.environ.get("DRILL_BACKLOG_SECONDS", "1"))
IS_LONG: Final = MIB >= 1024
# A little more than the limit, so that the oldest are dropped.
BACKLOG: Final = Backlog(deliveries=int(MIB * 1024**2 * 1.03 / BODY_BYTES), rows=ROWS)
CLIENTS: Final = 4
EVENTS_PER_SECOND: Final = 50
# Nobody listens there: the bot is away.
SETTINGS: Final = {
    "BOT_MESSENGER_URL": "http://127.0.0.1:9/messenger",
    "KEEP_DELIVERIES_MIB": str(MIB),
}
MOST_HELD_S: Final = 0.05
MOST_WAITED_S: Final = 0.1


@pytest.fixture(params=["sqlite", "postgresql"])
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """Yield the address of a migrated database that writes to the disk, as in production."""
    with _servers(request.param, tmp_path) as url:
        engine = make_engine(url)
        schema.upgrade(engine)
        engine.dispose()
        yield url


@contextmanager
def _servers(database: str, folder: Path) -> Iterator[URL]:
    if database == "sqlite":
        yield database_url(f"sqlite:///{folder / 'threadlink.sqlite'}")
        return
    with postgres.running() as server:
        yield postgres.new_database(server, "backlog")
        postgres.drop_database(server, "backlog")


def test_deliveries_come_in_while_everything_is_full(durable: URL, tmp_path: Path) -> None:
    """R49, R97, R112: none is refused, the oldest beyond the limit go, and nothing else does."""
    now, engine = clock.now(), make_engine(durable)
    fill(engine, BACKLOG, now=now)

    with no_collections():
        held = hold_times(durable)
        load = post_while_it_is_swept(durable, tmp_path, engine)

    with engine.connect().execution_options(reading=True) as connection:
        kept = count(connection, KEPT, now=now)
        waiting, size, first = connection.exec_driver_sql(
            "SELECT count(*), sum(length(body)), min(id) FROM outbox "
            "WHERE kind = 'delivery' AND state = 'waiting'"
        ).one()
        told, reported = connection.exec_driver_sql(
            "SELECT dropped, reported FROM outbox_dropped"
        ).one()
    engine.dispose()
    print(f"\n{durable.get_backend_name()}, {BACKLOG}: {load}; {told} dropped")  # noqa: T201 - the figures of the drill
    for name, seconds in held.items():
        print(f"  {name}: {seconds}")  # noqa: T201 - the same
    assert {200: load.statuses.total()} == dict(load.statuses)
    assert {f"{name}: {number}" for name, number in kept.items()} == {
        f"{name}: {ROWS // 2}" for name in KEPT
    }
    # Those that were dropped are the oldest, to the last.
    assert told == reported == first - 1
    assert waiting == BACKLOG.deliveries - told + load.statuses.total()
    assert size >= MIB * 1024**2 - BODY_BYTES
    if IS_LONG:
        assert max(max(each.processor_seconds) for each in held.values()) <= MOST_HELD_S
        assert max(load.seconds) <= MOST_WAITED_S


@contextmanager
def no_collections() -> Iterator[None]:
    """Let the garbage collector rest: each time it walks through all tests, for 0.1 seconds.

    In what is shipped it leaves out all that is there at the start (`app.cli.serve`).
    """
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass
class Load:
    """Deliveries that were posted: their statuses, and how long each took."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{dict(self.statuses)}, {Times(self.seconds)}"


@dataclass
class Times:
    """How long something took each time."""

    seconds: list[float] = field(default_factory=list)
    # Without waiting for the disk, or for others on a busy machine.
    processor_seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        ordered = sorted(self.seconds)
        p50, p99, most = (1000 * ordered[int(len(ordered) * q)] for q in (0.5, 0.99, 0.999999))
        processor = 1000 * max(self.processor_seconds, default=0)
        own = f", {processor:.1f} ms of it processor time at most"
        text = f"{len(ordered)} times: p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {most:.1f} ms"
        return text + (own if self.processor_seconds else "")


def post_while_it_is_swept(database: URL, folder: Path, engine: Engine) -> Load:
    """Run what is shipped, and post deliveries until all is swept.

    In the long form: for long, and until what is beyond the limit has been dropped.
    """
    load, over = Load(), threading.Event()
    server = shipped.start(database, folder, **SETTINGS)
    processes = [server.process]
    if database.get_backend_name() == "postgresql":
        processes.append(shipped.start_worker(database, folder, **SETTINGS))
    threads = [
        threading.Thread(target=_post, args=(n, server.origin, load, over)) for n in range(CLIENTS)
    ]
    limit, now = monotonic() + SECONDS, clock.now()
    for thread in threads:
        thread.start()
    try:
        while monotonic() < limit or not _is_swept(engine, now):
            over.wait(0.1)
    finally:
        over.set()
        for thread in threads:
            thread.join()
        for process in processes:
            process.terminate()
            process.wait(shipped.PATIENCE_SECONDS)
    return load


def _is_swept(engine: Engine, now: Any) -> bool:
    with engine.connect().execution_options(reading=True) as connection:
        reported = connection.exec_driver_sql("SELECT reported FROM outbox_dropped").scalar_one()
        return bool(reported) and (IS_LONG or not any(count(connection, OVERDUE, now=now).values()))


def _post(client: int, origin: str, load: Load, over: threading.Event) -> None:
    browser = OverSockets(origin)
    messenger, number = Messenger(browser), 0
    while not over.wait(CLIENTS / EVENTS_PER_SECOND):
        number += 1
        begun = perf_counter()
        status = messenger.tells(message(f"{client}{number:015d}", "hello", clock.now())).status
        load.seconds.append(perf_counter() - begun)
        load.statuses[status] += 1
    browser.close()


def hold_times(database: URL) -> dict[str, Times]:
    """Run each periodic task alone, for a while; return how long it held the writer each time."""
    with watched() as watch:
        services = build(settings_for(database, **SETTINGS))
    at, retention = clock.now(), services.settings.retention
    tasks: dict[str, Iterable[object]] = {
        "rate limits": in_portions(services.writer, rate_limiter.outdated(at)),
        "counts": in_portions(services.writer, delivery_counts.old(at - retention.codes)),
        "names": in_portions(services.writer, *linking_retention.needless_names(at)),
        "attempts": in_portions(services.writer, *linking_retention.old_attempts(retention, at)),
        "history": in_portions(
            services.writer, linking_retention.old_history(at - retention.history)
        ),
        "outbox": Sweeper(services.writer, retention).sweep(at),
    }
    for name, steps in tasks.items():
        watch.task = name
        with closing(iter(steps)) as each:  # type: ignore[type-var]
            # In the short form one step each: the rest is swept while deliveries come in.
            limit = monotonic() + (SECONDS / 3 if IS_LONG else 0)
            for _ in each:
                if monotonic() > limit:
                    break
    services.close()
    assert watch.times
    return watch.times


@dataclass
class Watch:
    """The times for which each task held the writer; *task* is the present one."""

    task: str = ""
    times: dict[str, Times] = field(default_factory=lambda: defaultdict(Times))


@contextmanager
def watched() -> Iterator[Watch]:
    """Have a writer that is made meanwhile tell how long each group takes, with its commit."""
    watch = Watch()
    with pytest.MonkeyPatch.context() as patch:
        # Nobody else sees both ends of a transaction.
        commit = GroupCommitter._commit  # noqa: SLF001

        def timed(committer: GroupCommitter, units: Any) -> None:
            begun, worked = perf_counter(), thread_time()
            commit(committer, units)
            times = watch.times[watch.task]
            times.seconds.append(perf_counter() - begun)
            times.processor_seconds.append(thread_time() - worked)

        patch.setattr(GroupCommitter, "_commit", timed)
        yield watch
