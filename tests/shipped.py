"""Threadlink as it is shipped: `threadlink serve` as a process of its own, and sockets to it."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from tests.installation import ENVIRONMENT
from tests.ports import free_port

HOST: Final = "127.0.0.1"
PATIENCE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Shipped:
    """A server that runs; *log* is the file that it writes to."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=PATIENCE_SECONDS)


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One answer as it stood on the wire; *headers* are by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def serving(database: URL, *options: str, **changed: str) -> Iterator[Shipped]:
    """Yield `threadlink serve` on *database*, whose tables are there; it is stopped at the end.

    *changed* are settings in addition to those of `tests.installation`, or instead.
    """
    with tempfile.TemporaryDirectory() as folder:
        shipped = start(database, Path(folder), *options, **changed)
        try:
            yield shipped
        finally:
            shipped.process.terminate()
            shipped.process.wait(PATIENCE_SECONDS)


def start(database: URL, folder: Path, *options: str, **changed: str) -> Shipped:
    """Start `threadlink serve` with *folder* as its own, and return it when it listens."""
    return start_at(free_port(), database, folder, *options, **changed)


def start_at(port: int, database: URL, folder: Path, *options: str, **changed: str) -> Shipped:
    """Start it at *port*, where another may have been."""
    command = ("serve", "--port", str(port), *options)
    public_url = f"http://{HOST}:{port}"
    process = _spawn(command, database, folder, {"PUBLIC_URL": public_url, **changed})
    log = folder / "log"
    shipped = Shipped(process, port, log)
    _wait_until_it_listens(shipped)
    return shipped


def start_worker(
    database: URL, folder: Path, *options: str, **changed: str
) -> subprocess.Popen[bytes]:
    """Start `threadlink worker` with *folder* as its own."""
    return _spawn(("worker", *options), database, folder, changed)


def answers_on(connection: socket.socket) -> list[RawAnswer]:
    """Return all that the server says on *connection* until it closes it."""
    said = bytearray()
    try:
        while part := connection.recv(65536):
            said += part
    except ConnectionResetError:
        pass  # it closed without having read all that was sent
    answers = []
    rest = bytes(said)
    while rest:
        answer, rest = _first_of(rest)
        answers.append(answer)
    return answers


def _spawn(
    command: tuple[str, ...], database: URL, folder: Path, changed: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    environment = {
        **ENVIRONMENT,
        "DATABASE_URL": database.render_as_string(hide_password=False),
        # Nobody listens there.
        "GRAPH_URL": "http://127.0.0.1:9",
        **changed,
    }
    program = str(Path(sys.executable).with_name("threadlink"))
    with (folder / "log").open("ab") as file:
        return subprocess.Popen(  # noqa: S603 - our own program
            [program, *command],
            env=environment,
            cwd=folder,
            stderr=file,
            stdout=file,
            start_new_session=True,
        )


def _first_of(said: bytes) -> tuple[RawAnswer, bytes]:
    head, _, rest = said.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    length = int(headers.get("content-length", "0"))
    return RawAnswer(int(status_line.split()[1]), headers, rest[:length]), rest[length:]


def _wait_until_it_listens(shipped: Shipped) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < limit and shipped.process.poll() is None:
        try:
            shipped.connect().close()
        except ConnectionRefusedError:
            # The one thing about another process that nobody announces.
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"the server did not start: {shipped.log.read_text()}")
