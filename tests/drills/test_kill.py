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
from tests.drills.crowd import SETTINGS, Crowd, Graph, prepare
from tests.drills.ledger import CODE, END, Ledger, changes, heard_by, lost, unheard
from tests.drills.pair import Pair, kill

CYCLES = int(os.environ.get("DRILL_CYCLES", "3"))
SEED = int(os.environ.get("DRILL_SEED", "1"))


def test_nothing_acknowledged_is_lost_when_server_and_worker_are_killed(
    database: URL, tmp_path: Path
) -> None:
    """R99, R116: deliveries, codes, links, ends; each delivery and each change reaches the bot.

    Two processes answer, so that they are also killed while they wait for each other.
    """
    ledger, graph, dice = Ledger(), Graph(), random.Random(SEED)  # noqa: S311 - no secret
    crowd = Crowd(ledger, prepare(database))
    with bots.running() as bot, bots.running() as graph_edge:
        graph_edge.reply = graph
        settings = {**SETTINGS, "GRAPH_URL": graph_edge.url}
        with running(Pair(database, tmp_path, settings, bot=bot.url)) as pair:
            for number in range(CYCLES):
                with crowd.at(pair.origin):
                    ledger.wait_for(dice.randint(5, 40))
                    for victim in dice.choice(victims(pair)):
                        kill(victim)
                pair.replace_the_dead()
                if number % 25 == 24:
                    print(f"\n{number + 1} kills: {ledger}", flush=True)  # noqa: T201 - patience
            crowd.finish(pair.origin)
            drain(database)
            heard = heard_by(bot)

    gone = lost(ledger, database)
    told = {change: len(ids) for change, ids in heard.notice_ids.items()}
    print(  # noqa: T201 - the figures of the drill
        f"\n{database.get_backend_name()}: {CYCLES} kills (seed {SEED}), {ledger}; "
        f"lost: {gone or 'nothing'}; {heard.posts} posts to the bot about {len(told)} changes, "
        f"{len(unheard(ledger, heard))} messages and {len(changes(database) - told.keys())} "
        "changes unheard"
    )
    assert {} == gone
    assert ledger.entries[CODE]
    assert frozenset() == unheard(ledger, heard)
    assert dict.fromkeys(changes(database), 1) == told
    assert len(told) == len(set[str]().union(*heard.notice_ids.values()))
    assert ledger.about(END) <= graph.unlinked
    assert (set(ledger.statuses) - {200, 204, 503}, ledger.rude) == (set(), 0)


def victims(pair: Pair) -> tuple[tuple[Popen[bytes], ...], ...]:
    """Return who may be killed in one cycle."""
    server, worker = pair.server.process, pair.worker
    return (server,), (server,), (worker,), (server, worker)


@contextmanager
def running(pair: Pair) -> Iterator[Pair]:
    try:
        yield pair
    finally:
        pair.stop()


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
