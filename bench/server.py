"""A server process on its own core, from its start to its end."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench import machine

PATIENCE_S = 60


@contextlib.contextmanager
def running(
    command: list[str], env: dict[str, str], port: int, folder: Path
) -> Iterator[tuple[int, float]]:
    """Run a server on its core; yield its process id and the seconds until its first answer."""
    begun = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            machine.on_core(machine.SERVER_CORE, command),
            env=env,
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
