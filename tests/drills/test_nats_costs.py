"""The cost of a delivery by the outbox and by a stream of three copies: `make drills-nats`."""

import os
import time
from pathlib import Path
from statistics import quantiles
from typing import Final

from sqlalchemy import URL

from tests import bot as bots
from tests import nats_cluster, shipped
from tests.conftest import on_sqlite
from tests.drills.test_nats import CLIENTS, Load, read_all
from tests.shipped import Shipped

# Deliveries that are timed on each road.
TIMED: Final = int(os.environ.get("DRILL_NATS_TIMED", "0"))


@on_sqlite
def test_what_a_delivery_costs_by_the_log_and_by_the_outbox(database: URL) -> None:
    """Each road is taken, and by the log no row is written; the figures are for `make drills-nats`.

    The outbox's include its worker, which runs inside.
    """
    with nats_cluster.running(3) as cluster, bots.running() as bot:
        cluster.create_stream()
        bot.remembers = False
        for road, url in (("outbox", f"{bot.url}/messenger"), ("log", cluster.url)):
            with shipped.serving(database, BOT_MESSENGER_URL=url) as server:
                load = Load(server.port)
                with load.running(f"{road}-warm"):
                    load.wait_for(CLIENTS)
                load.took.clear()
                began, cpu = time.monotonic(), cpu_seconds(server)
                before = len(load.acknowledged)
                with load.running(road, clients=4 * CLIENTS):
                    load.wait_for(TIMED)
                count = len(load.acknowledged) - before
                seconds, cpu = time.monotonic() - began, cpu_seconds(server) - cpu
            last = quantiles(load.took, n=100)[98]
            print(  # noqa: T201 - the figures of the drill
                f"\n{road}: {count / seconds:.0f} deliveries a second, p99 {last * 1000:.0f} ms, "
                f"{cpu / count * 1e6:.0f} us of the server's processor time for each"
            )
        in_log = read_all(cluster)

    by_log = {mid for mid in load.acknowledged if mid.startswith("log")}
    # What the outbox has not passed on before its server was stopped comes by the log, too.
    assert by_log == {mid for mid in in_log if mid.startswith("log")}


def cpu_seconds(server: Shipped) -> float:
    """Return the processor time of all processes of *server*, which are one session (proc(5))."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == server.process.pid:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
