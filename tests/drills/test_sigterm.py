"""Server and worker are told to stop while they work (R121)."""

import os
from pathlib import Path

from sqlalchemy import URL

from tests import bot as bots
from tests.drills.acknowledgements import Acknowledgements, lost
from tests.drills.load_generator import SETTINGS, Graph, LoadGenerator, prepare
from tests.drills.server_and_worker import ServerAndWorker

# `make drills` asks for 20.
STOPS = int(os.environ.get("DRILL_STOPS", "1"))
# What an init system is told to wait before it kills.
MOST_SECONDS = 25


def test_sigterm_under_load_ends_both_in_time_and_loses_nothing(
    database: URL, tmp_path: Path
) -> None:
    """R121: what is in flight is answered, or its step is simply done again elsewhere."""
    acks = Acknowledgements()
    load = LoadGenerator(acks, prepare(database))
    with bots.running() as bot, bots.running() as graph:
        graph.reply = Graph()
        processes = ServerAndWorker(
            database, tmp_path, {**SETTINGS, "GRAPH_URL": graph.url}, bot=bot.url
        )
        for _ in range(STOPS):
            bot.received.clear()
            processes.replace_the_dead()
            with load.at(processes.origin):
                # Until then the new worker may not have come as far as to hear of a signal.
                bots.wait_for_posts(bot, 1)
                acks.wait_for(30)
                processes.server.process.terminate()
                processes.worker.terminate()
                codes = (
                    processes.server.process.wait(MOST_SECONDS),
                    processes.worker.wait(MOST_SECONDS),
                )
            assert (0, 0) == codes

    print(f"\n{database.get_backend_name()}, stopped {STOPS} times: {acks}")  # noqa: T201 - the figures
    assert {} == lost(acks, database)
    assert (set(acks.statuses) - {200, 204, 503}, acks.rude) == (set(), 0)
