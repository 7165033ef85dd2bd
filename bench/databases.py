"""The databases of the measurements: new ones, and large ones that are filled once."""

import contextlib
import os
import subprocess
import sys
from functools import cache, cached_property
from pathlib import Path
from typing import Self

from sqlalchemy import URL, create_engine

from app.infra import clock
from app.infra.database.engine import make_engine
from app.infra.settings.database_url import database_url
from bench import attempts, links, machine
from bench.figures import SQLITE
from bench.load import PAGE, SECRET
from tests import postgres
from tests.drills import backlog

BIN = Path(sys.executable).parent
# No process listens there.
UNREACHABLE = "http://127.0.0.1:9"
# What KEEP_DELIVERIES_MIB is unless it is set.
LIMIT_MIB = 1024


def environment(database: str, port: int) -> dict[str, str]:
    """Return the settings of an installation on *port*."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "SECRET_KEY": "bench-secret-key-that-is-long-enough-0",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": database,
        "APP_ID": "1",
        "APP_SECRET": SECRET,
        "VERIFY_TOKEN": "v",
        "PAGE_ID": PAGE,
        "PAGE_ACCESS_TOKEN": "t",
        "GRAPH_URL": UNREACHABLE,
    }


class Databases:
    """Databases in *folder* and on a PostgreSQL server, which runs until the block ends.

    *waiting_mib* is how much waits in the outbox of those that are full.
    """

    def __init__(self, folder: Path, *, waiting_mib: int = LIMIT_MIB) -> None:
        self._folder, self._waiting_mib = folder, waiting_mib
        self._stack = contextlib.ExitStack()
        self._count = 0
        # Filled once, and shared.
        self.linked, self.full = cache(self.make_linked), cache(self._full)
        self.attempted = cache(self._attempted)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def new(self, db: str) -> str:
        """Return the address of a new database with tables."""
        self._count += 1
        url = f"sqlite:///{self._folder}/{self._count}.sqlite"
        if db != SQLITE:
            made = postgres.new_database(self._server, f"bench_{self._count}")
            url = made.render_as_string(hide_password=False)
        subprocess.run(
            [BIN / "threadlink", "db", "upgrade"],
            env=environment(url, 8000),
            check=True,
            cwd=self._folder,
            capture_output=True,
        )
        return url

    def make_linked(self, db: str, count: int) -> tuple[str, str]:
        """Return the address of a database with *count* links, and a key that may read them."""
        url = self.new(db)
        return url, links.fill(environment(url, 8000), PAGE, links=count)

    def _attempted(self, db: str, count: int) -> str:
        """Return the address of a database with *count* links, and as many settled attempts."""
        url, _ = self.make_linked(db, count)
        attempts.fill(environment(url, 8000), PAGE, attempts=count)
        return url

    def unsettled(self, db: str, count: int) -> str:
        """Return the address of a database with *count* attempts that nobody has counted."""
        url = self.new(db)
        attempts.fill(environment(url, 8000), PAGE, attempts=count, are_settled=False)
        return url

    def _full(self, db: str) -> str:
        """Return the address of a database in which small deliveries wait up to the limit."""
        url = self.new(db)
        engine = make_engine(database_url(url))
        deliveries = self._waiting_mib * 1024**2 // backlog.BODY_BYTES
        backlog.fill(engine, backlog.Backlog(deliveries, rows=0), now=clock.now())
        engine.dispose()
        return url

    def processor_seconds(self, db: str) -> float:
        """Return the processor time of the database server, 0 if there is none on this machine."""
        if db == SQLITE or self._postmaster is None:
            return 0
        return machine.cpu_seconds(self._postmaster, with_ended=True)

    @cached_property
    def _server(self) -> URL:
        return self._stack.enter_context(postgres.running("max_connections=100"))

    @cached_property
    def _postmaster(self) -> int | None:
        engine = create_engine(self._server)
        with engine.connect() as connection:
            backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            found = machine.parent_of(int(backend), named="postgres")
        engine.dispose()
        return found
