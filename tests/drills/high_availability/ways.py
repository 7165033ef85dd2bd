"""The ways from Threadlink to the pair: its hosts by name, or HAProxy and PgBouncer in between.

Both run with the files of docs/deploy/high-availability, at other addresses.
"""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from app.infra.settings.database_url import database_url
from tests import postgres
from tests.deploy.proxies import DEPLOY, PATIENCE_SECONDS, await_port
from tests.drills.high_availability.nodes import DATABASE, Node
from tests.drills.high_availability.waiting import wait_until
from tests.ports import free_port

HERE: Final = "127.0.0.1"


# Each node, and the port at which its role is told.
Told = Sequence[tuple[Node, int]]


@dataclass(frozen=True, slots=True)
class Way:
    """The value of DATABASE_URL, and the settings that go with it."""

    database: URL
    settings: dict[str, str] = field(default_factory=dict)


Through = Callable[[Told, Path], AbstractContextManager[Way]]


@contextmanager
def by_hosts(nodes: Told, _folder: Path) -> Iterator[Way]:
    """Name all in DATABASE_URL, of which libpq takes the one that takes writes."""
    named = ",".join(f"{node.place.address}:{node.port}" for node, _ in nodes)
    query = "target_session_attrs=read-write&sslmode=disable"
    yield Way(database_url(f"postgresql://postgres@{named}/{DATABASE}?{query}"))


@contextmanager
def by_haproxy(nodes: Told, folder: Path) -> Iterator[Way]:
    """Let HAProxy lead to the one of which it is told that it is the primary."""
    with _haproxy(nodes, folder) as port:
        yield Way(_through(port))


def by_pgbouncer(mode: str) -> Through:
    """Return the way through PgBouncer in *mode*, and HAProxy behind it."""

    @contextmanager
    def way(nodes: Told, folder: Path) -> Iterator[Way]:
        with _haproxy(nodes, folder) as behind, _pgbouncer(mode, behind, folder) as port:
            yield Way(_through(port, "&pooler=transaction" if mode == "transaction" else ""))

    return way


WAYS: Final[dict[str, Through]] = {
    "hosts": by_hosts,
    "haproxy": by_haproxy,
    "pgbouncer-session": by_pgbouncer("session"),
    "pgbouncer-transaction": by_pgbouncer("transaction"),
}


def _through(port: int, more: str = "") -> URL:
    return database_url(f"postgresql://postgres@{HERE}:{port}/{DATABASE}?sslmode=disable{more}")


@contextmanager
def _haproxy(nodes: Told, folder: Path) -> Iterator[int]:
    port = free_port()
    changes = {
        "log /dev/log local0": "log stdout format raw local0",
        "    user haproxy\n    group haproxy\n": "",
        f"{HERE}:5000": f"{HERE}:{port}",
    }
    for number, (node, told) in enumerate(nodes, start=1):
        here = f"{node.place.address}:{node.port} check addr {HERE} port {told}"
        changes[f"10.0.0.1{number}:5432 check port 8008"] = here
    file = folder / "haproxy.cfg"
    file.write_text(as_shipped("haproxy.cfg", changes), encoding="utf-8")
    with running(folder / "haproxy.log", port, program("haproxy"), "-f", str(file)):
        yield port


@contextmanager
def _pgbouncer(mode: str, behind: int, folder: Path) -> Iterator[int]:
    port = free_port()
    users = folder / "userlist.txt"
    users.write_text('"postgres" ""\n')
    text = as_shipped(
        "pgbouncer.ini",
        {
            "host=127.0.0.1 port=5000": f"host={HERE} port={behind}",
            "listen_port = 6432": f"listen_port = {port}\nunix_socket_dir =",
            "auth_type = scram-sha-256": "auth_type = trust",
            "/etc/pgbouncer/userlist.txt": str(users),
            "pool_mode = transaction": f"pool_mode = {mode}",
            # Two servers of two processes, two workers: 20 each at the most.
            "default_pool_size = 40": f"default_pool_size = {40 if mode == 'transaction' else 120}",
        },
    )
    file = folder / "pgbouncer.ini"
    file.write_text(text, encoding="utf-8")
    over, command = threading.Event(), (program("pgbouncer"), str(file))
    log, user = folder / "pgbouncer.log", postgres.NOBODY
    # As systemd does with docs/high-availability.md's Restart=always: a request to cancel can end
    # PgBouncer (github.com/pgbouncer/pgbouncer/issues/801, read 2026-11).
    keeper = threading.Thread(target=_keep_running, args=(over, log, command, user))
    keeper.start()
    try:
        wait_until(lambda: _listens(port))
        yield port
    finally:
        over.set()
        keeper.join()


def _keep_running(
    over: threading.Event, log: Path, command: Sequence[str], user: str | None
) -> None:
    """Run *command*, and again a second after its end, until *over* is set."""
    with log.open("wb") as output:
        while not over.is_set():
            process = subprocess.Popen(  # noqa: S603 - Debian's
                command, stdout=output, stderr=output, user=user, group=user and postgres.NOGROUP
            )
            while process.poll() is None and not over.wait(0.1):
                pass
            if process.poll() is not None:
                print(f"\n{command[0]} ended by itself")  # noqa: T201 - of the drill
                over.wait(1)
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with suppress(ConnectionRefusedError):
        socket.create_connection((HERE, port), timeout=1).close()
        return True
    return False


def as_shipped(name: str, changes: dict[str, str]) -> str:
    """Return the shipped file *name* with other addresses."""
    text = (DEPLOY / "high-availability" / name).read_text(encoding="utf-8")
    for shipped, here in changes.items():
        assert shipped in text
        text = text.replace(shipped, here)
    return text


@contextmanager
def running(log: Path, port: int, *command: str) -> Iterator[None]:
    """Run *command* while the block does; it begins when the program listens on *port*."""
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - Debian's
            command, stdout=output, stderr=output
        ) as process,
    ):
        try:
            await_port(HERE, port, process)
            yield
        finally:
            process.kill()
            process.wait(PATIENCE_SECONDS)


def program(name: str) -> str:
    """Return the path of a program of Debian."""
    found = os.environ.get(f"TEST_{name.upper()}") or shutil.which(name, path="/usr/sbin:/usr/bin")
    if found is None:
        raise RuntimeError(f"no {name}: on Debian and Ubuntu apt-get install {name}")
    return found
