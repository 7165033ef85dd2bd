"""Two PostgreSQL under Debian's Patroni, which agree by three etcd: docs/deploy's patroni.yml.

All of them on loopback, each member at ports of its own.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import requests

from app.infra.database import schema
from app.infra.database.engine import make_engine
from tests import postgres
from tests.drills.high_availability.nodes import DATABASE, Node
from tests.drills.high_availability.pairs import fill
from tests.drills.high_availability.waiting import wait_until
from tests.drills.high_availability.ways import HERE, as_shipped, program, running
from tests.ports import free_port

NAMES: Final = ("one", "two")
ETCD: Final = 3


@dataclass(slots=True)
class Member:
    """One PostgreSQL, and the Patroni that started it and answers at *told*."""

    node: Node
    told: int
    process: subprocess.Popen[bytes]

    def is_leader(self) -> bool:
        """Ask it as HAProxy does."""
        try:
            answer = requests.options(f"http://{HERE}:{self.told}/primary", timeout=1)
        except requests.RequestException:
            return False
        return answer.status_code == 200

    def kill(self) -> None:
        """Kill Patroni and PostgreSQL, as when the machine loses its power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.node.kill()


@dataclass(slots=True)
class Cluster:
    """The members, the first of which begins as the leader, and an API key of their database."""

    members: list[Member] = field(default_factory=list)
    key: str = ""

    def await_leader(self, *, other_than: Member | None = None) -> Member:
        """Wait until a member other than that one is the leader."""
        found: list[Member] = []

        def is_found() -> bool:
            found[:] = [
                each for each in self.members if each is not other_than and each.is_leader()
            ]
            return bool(found)

        wait_until(is_found)
        return found[0]

    def switch_over(self) -> None:
        """Ask for a planned switchover to the second member."""
        (first, second) = NAMES
        asked = {"leader": first, "candidate": second}
        requests.post(
            f"http://{HERE}:{self.members[0].told}/switchover",
            json=asked,
            auth=("patroni", "REST-PASSWORD"),
            timeout=60,
        ).raise_for_status()


@contextmanager
def cluster(programs: Path, folder: Path) -> Iterator[Cluster]:
    """Yield a cluster whose standby is synchronous, with a filled database."""
    with ExitStack() as stack:
        etcd = _etcd(stack, folder)
        cluster = Cluster()
        stack.callback(_kill_all, cluster)
        for name in NAMES:
            cluster.members.append(_member(name, etcd, programs, folder))
            # The first one to be there becomes the leader.
            cluster.await_leader()
        database = cluster.members[0].node.url
        postgres.new_database(database.set(database="postgres"), DATABASE)
        engine = make_engine(database)
        schema.upgrade(engine)
        engine.dispose()
        cluster.key = fill(database)
        cluster.members[0].node.await_standby()
        yield cluster


def _etcd(stack: ExitStack, folder: Path) -> str:
    """Start the three, and return how a client names them."""
    ports = [(free_port(), free_port()) for _ in range(ETCD)]
    peers = ",".join(f"e{n}=http://{HERE}:{peer}" for n, (_, peer) in enumerate(ports))
    for n, (client, peer) in enumerate(ports):
        options = {
            "name": f"e{n}",
            "data-dir": f"{folder}/etcd{n}",
            "listen-client-urls": f"http://{HERE}:{client}",
            "advertise-client-urls": f"http://{HERE}:{client}",
            "listen-peer-urls": f"http://{HERE}:{peer}",
            "initial-advertise-peer-urls": f"http://{HERE}:{peer}",
            "initial-cluster": peers,
        }
        command = (program("etcd"), *(f"--{name}={value}" for name, value in options.items()))
        stack.enter_context(running(folder / f"etcd{n}.log", client, *command))
    return ",".join(f"{HERE}:{client}" for client, _ in ports)


def _member(name: str, etcd: str, programs: Path, folder: Path) -> Member:
    here = folder / name
    here.mkdir()
    postgres.own(here)
    node, told = Node(programs, here / "data"), free_port()
    text = as_shipped(
        "patroni.yml",
        {
            "name: one": f"name: {name}",
            "10.0.0.11:2379,10.0.0.12:2379,10.0.0.13:2379": etcd,
            "10.0.0.11:8008": f"{HERE}:{told}",
            "10.0.0.11:5432": f"{HERE}:{node.port}",
            "/var/lib/postgresql/threadlink": str(node.data),
            "/usr/lib/postgresql/15/bin": str(programs),
            "/var/lib/postgresql/.pgpass-patroni": str(here / "pgpass"),
            "/var/run/postgresql": str(here),
            "10.0.0.0/24": "127.0.0.0/8",
            # The tests' PostgreSQL is built without TLS.
            'ssl: "on"': 'ssl: "off"',
            "hostssl replication replicator 127.0.0.0/8 scram-sha-256": (
                "host replication replicator 127.0.0.0/8 scram-sha-256"
            ),
            # The drill's own statements, and Threadlink's, come without a password.
            "hostssl all all 127.0.0.0/8 scram-sha-256": "host all all 127.0.0.0/8 trust",
        },
    )
    file = here / "patroni.yml"
    file.write_text(text, encoding="utf-8")
    with (here / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - Debian's
            (program("patroni"), str(file)),
            stdout=log,
            stderr=log,
            cwd="/",
            user=postgres.NOBODY,
            group=postgres.NOGROUP,
            start_new_session=True,
        )
    return Member(node, told, process)


def _kill_all(cluster: Cluster) -> None:
    for member in cluster.members:
        if member.process.poll() is None:
            member.kill()
        member.node.remove()
