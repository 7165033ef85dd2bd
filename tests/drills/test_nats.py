"""The leader of the stream is killed under load: what was acknowledged is in the log, and once.

Three servers of NATS, three copies. `make drills-nats` kills it again and again, and prints what it
took.
"""

import http.client
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Final

from nats.aio.client import Client
from nats.errors import TimeoutError as NothingLeft
from sqlalchemy import URL

from app.infra import clock
from app.messenger.signature import SIGNATURE
from tests import nats_cluster, shipped
from tests.actors import Messenger, delivery, message
from tests.conftest import on_sqlite
from tests.drills.threads import going_on
from tests.nats_cluster import Cluster
from tests.shipped import HOST

KILLS: Final = int(os.environ.get("DRILL_NATS_KILLS", "1"))
CLIENTS: Final = 8
# Deliveries that are acknowledged before a kill, and after it.
BETWEEN: Final = 100


@dataclass(slots=True)
class Load:
    """Messenger, over several connections: each delivery is repeated until it is acknowledged."""

    port: int
    acknowledged: dict[str, float] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self, prefix: str, clients: int = CLIENTS) -> Iterator[None]:
        with going_on(*(partial(self._post, f"{prefix}-{number}") for number in range(clients))):
            yield

    def wait_for(self, more: int) -> None:
        tick, wanted = threading.Event(), len(self.acknowledged) + more
        limit = time.monotonic() + shipped.PATIENCE_SECONDS
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < limit, f"no acknowledgement for long: {self.statuses}"
            tick.wait(0.005)

    def pause_after(self, at: float) -> float:
        """Return the longest time without an acknowledgement that begins after *at*."""
        times = [at, *sorted(ack for ack in self.acknowledged.values() if ack > at)]
        return max(later - one for one, later in pairwise(times))

    def _post(self, prefix: str, over: threading.Event) -> None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        number = 0
        while not over.is_set():
            number += 1
            mid = f"{prefix}-{number}"
            body = delivery(message(mid, mid, clock.now()))
            while (status := self._once(connection, body)) != 200:
                assert status == 503
                over.wait(0.05)
            with self._lock:
                self.acknowledged[mid] = time.monotonic()
        connection.close()

    def _once(self, connection: http.client.HTTPConnection, body: bytes) -> int:
        headers = {SIGNATURE: SIGNER.signature(body), "Content-Type": "application/json"}
        began = time.monotonic()
        connection.request("POST", "/webhook", body, headers)
        answer = connection.getresponse()
        answer.read()
        with self._lock:
            self.took.append(time.monotonic() - began)
            self.statuses[answer.status] += 1
        return answer.status


SIGNER: Final = Messenger(lambda *_, **__: None)  # type: ignore[arg-type]  # it signs alone


@on_sqlite
def test_nothing_acknowledged_is_lost_when_the_leader_of_the_stream_is_killed(
    database: URL,
) -> None:
    """R99: 503 while the others elect a leader; each delivery is in the log once, by its id."""
    with nats_cluster.running(3) as cluster:
        cluster.create_stream()
        with shipped.serving(database, BOT_MESSENGER_URL=cluster.url) as server:
            load, pauses = Load(server.port), []
            for number in range(KILLS):
                with load.running(f"kill{number}"):
                    load.wait_for(BETWEEN)
                    leader = cluster.leader()
                    leader.send(signal.SIGKILL)
                    at = time.monotonic()
                    load.wait_for(BETWEEN)
                leader.start()
                pauses.append(load.pause_after(at))
                print(f"\nkill {number + 1}: {pauses[-1]:.1f} s until acknowledged")  # noqa: T201
        in_log = read_all(cluster)

    lost = load.acknowledged.keys() - in_log.keys()
    twice = [mid for mid, ids in in_log.items() if len(ids) > 1]
    print(  # noqa: T201 - the figures of the drill
        f"\n{KILLS} leaders killed: {len(load.acknowledged)} acknowledged, {len(lost)} lost, "
        f"{len(twice)} twice; answers {dict(load.statuses)}; slowest {max(load.took):.2f} s; "
        f"pauses {', '.join(f'{pause:.1f}' for pause in sorted(pauses))} s"
    )
    assert (set(), []) == (lost, twice)
    assert max(load.took) < 5


@on_sqlite
def test_nothing_acknowledged_is_lost_by_a_reload_and_a_stop(database: URL) -> None:
    """Both under load: the connection of before is closed when its last request is answered."""
    with nats_cluster.running() as cluster:
        cluster.create_stream()
        with shipped.serving(database, BOT_MESSENGER_URL=cluster.url) as server:
            load = Load(server.port)
            with load.running("reload"):
                load.wait_for(CLIENTS)
                server.process.send_signal(signal.SIGHUP)
                load.wait_for(10 * CLIENTS)
        in_log = read_all(cluster)

    assert {200} == load.statuses.keys()
    assert load.acknowledged.keys() == in_log.keys()
    assert [] == [mid for mid, ids in in_log.items() if len(ids) > 1]


def read_all(cluster: Cluster) -> dict[str, list[str]]:
    """Read the log as a bot does; return the ids of the messages by what their sender is called."""

    async def read(client: Client) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        stream = client.jetstream(timeout=2)
        # Who has just started again answers nothing until there is a leader.
        reader = None
        while reader is None:
            with suppress(NothingLeft):
                reader = await stream.pull_subscribe("messenger.>", "reader", stream="messenger")
        while True:
            try:
                if not (await stream.stream_info("messenger")).state.messages:
                    return found
                messages = await reader.fetch(100, timeout=0.5)
            except NothingLeft:
                continue
            for each in messages:
                (event,) = json.loads(each.data)["entry"][0]["messaging"]
                ids = found.setdefault(event["sender"]["id"], [])
                ids.append((each.headers or {})["Nats-Msg-Id"])
                await each.ack()
            await client.flush()

    return cluster.run(read)
