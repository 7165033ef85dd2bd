"""A server process, from its start to its end."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import machine

PATIENCE_S = 60


@dataclass(frozen=True)
class Server:
    """A server to start on *port*, on its own core or, if *is_free*, on all."""

    command: list[str]
    env: Mapping[str, str]
    port: int
    is_free: bool = False


@contextlib.contextmanager
def running(server: Server, folder: Path) -> Iterator[tuple[int, float]]:
    """Run *server*; yield its process id and the seconds until its first answer."""
    begun, port, command = time.perf_counter(), server.port, server.command
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command if server.is_free else machine.on_core(machine.SERVER_CORE, command),
            env=server.env,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - begun > PATIENCE_S:
                raise RuntimeError(f"{command}: {(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.01)
        yield process.pid, time.perf_counter() - begun
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return bool(connection.recv(12))
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
