"""Server and worker are told to stop while they work (security.md R121)."""

import os
from pathlib import Path

from sqlalchemy import URL

from tests import bot as bots
from tests.drills.crowd import SETTINGS, Crowd, Graph, prepare
from tests.drills.ledger import Ledger, lost
from tests.drills.pair import Pair

# `make drills` asks for 20.
STOPS = int(os.environ.get("DRILL_STOPS", "1"))
# What an init system is told to wait before it kills.
MOST_SECONDS = 25


def test_sigterm_under_load_ends_both_in_time_and_loses_nothing(
    database: URL, tmp_path: Path
) -> None:
    """R121: what is in flight is answered, or its step is simply done again elsewhere."""
    ledger = Ledger()
    crowd = Crowd(ledger, prepare(database))
    with bots.running() as bot, bots.running() as graph:
        graph.reply = Graph()
        pair = Pair(database, tmp_path, {**SETTINGS, "GRAPH_URL": graph.url}, bot=bot.url)
        for _ in range(STOPS):
            bot.received.clear()
            pair.replace_the_dead()
            with crowd.at(pair.origin):
                # Until then the new worker may not have come as far as to hear of a signal.
                bots.wait_for_posts(bot, 1)
                ledger.wait_for(30)
                pair.server.process.terminate()
                pair.worker.terminate()
                codes = (
                    pair.server.process.wait(MOST_SECONDS),
                    pair.worker.wait(MOST_SECONDS),
                )
            assert (0, 0) == codes

    print(f"\n{database.get_backend_name()}, stopped {STOPS} times: {ledger}")  # noqa: T201 - the figures
    assert {} == lost(ledger, database)
    assert (set(ledger.statuses) - {200, 204, 503}, ledger.rude) == (set(), 0)
