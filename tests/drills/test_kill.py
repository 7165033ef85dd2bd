"""Server and worker are killed under load; what was acknowledged is there, and the bot hears of it.

R99, R116; `make drills` does it 200 times on each database.
"""

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from sqlalchemy import URL, text

from app.infra.database.engine import make_engine
from tests import bot as bots
from tests.drills.acknowledgements import (
    CODE,
    END,
    Acknowledgements,
    changes,
    heard_by,
    lost,
    unheard,
)
from tests.drills.load_generator import SETTINGS, Graph, LoadGenerator, prepare
from tests.drills.server_and_worker import ServerAndWorker, kill

CYCLES = int(os.environ.get("DRILL_CYCLES", "2"))
SEED = int(os.environ.get("DRILL_SEED", "1"))


def test_nothing_acknowledged_is_lost_when_server_and_worker_are_killed(
    database: URL, tmp_path: Path
) -> None:
    """R99, R116: deliveries, codes, links, ends; each delivery and each change reaches the bot.

    Two processes answer, so that they are also killed while they wait for each other.
    """
    acks, graph, dice = Acknowledgements(), Graph(), random.Random(SEED)  # noqa: S311 - no secret
    load = LoadGenerator(acks, prepare(database))
    with bots.running() as bot, bots.running() as graph_edge:
        graph_edge.reply = graph
        settings = {**SETTINGS, "GRAPH_URL": graph_edge.url}
        with running(ServerAndWorker(database, tmp_path, settings, bot=bot.url)) as processes:
            for number in range(CYCLES):
                with load.at(processes.origin):
                    acks.wait_for(dice.randint(5, 40))
                    for victim in dice.choice(victims(processes)):
                        kill(victim)
                processes.replace_the_dead()
                if number % 25 == 24:
                    print(f"\n{number + 1} kills: {acks}", flush=True)  # noqa: T201 - patience
            load.finish(processes.origin)
            drain(database)
            heard = heard_by(bot)

    gone = lost(acks, database)
    told = {change: len(ids) for change, ids in heard.notice_ids.items()}
    print(  # noqa: T201 - the figures of the drill
        f"\n{database.get_backend_name()}: {CYCLES} kills (seed {SEED}), {acks}; "
        f"lost: {gone or 'nothing'}; {heard.posts} posts to the bot about {len(told)} changes, "
        f"{len(unheard(acks, heard))} messages and {len(changes(database) - told.keys())} "
        "changes unheard"
    )
    assert {} == gone
    assert acks.entries[CODE]
    assert frozenset() == unheard(acks, heard)
    assert dict.fromkeys(changes(database), 1) == told
    assert len(told) == len(set[str]().union(*heard.notice_ids.values()))
    assert acks.about(END) <= graph.unlinked
    assert (set(acks.statuses) - {200, 204, 503}, acks.rude) == (set(), 0)


def victims(processes: ServerAndWorker) -> tuple[tuple[Popen[bytes], ...], ...]:
    """Return who may be killed in one cycle."""
    server, worker = processes.server.process, processes.worker
    return (server,), (server,), (worker,), (server, worker)


@contextmanager
def running(processes: ServerAndWorker) -> Iterator[ServerAndWorker]:
    try:
        yield processes
    finally:
        processes.stop()


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
        with engine.connect().execution_options(reading=True) as connection:
            waiting = bool(
                connection.scalar(text("SELECT count(*) FROM outbox WHERE state = 'waiting'"))
            )
    engine.dispose()
