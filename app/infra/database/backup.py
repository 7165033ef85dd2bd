"""A copy of a SQLite database that is taken while it is in use, and looked at before it counts."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_COUNTED: Final = ("link", "link_event", "account", "attempt", "outbox")


class BadBackup(Exception):
    """The file cannot be relied upon; the message says why."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database file holds: its revision, and how many rows of each kind."""

    revision: str
    rows: dict[str, int]


def copy(source: Path, target: Path) -> Contents:
    """Copy the database *source* to *target* as it is at one moment; return what the copy holds.

    Nobody else can read the copy. It appears under its name only when it has been verified.

    Raises:
        BadBackup: *target* is there already, or the copy is not sound.
    """
    if target.exists():
        raise BadBackup(f"{target} is there already")
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    try:
        with _opened(source) as here, closing(sqlite3.connect(unfinished)) as there:
            # All pages at once: a writer does not wait for a reader (sqlite.org/wal.html), and a
            # copy in steps begins anew after each commit (sqlite.org/backup.html).
            here.backup(there)
            # In one file: the copy must need no -wal beside it.
            there.execute("PRAGMA journal_mode=DELETE")
        found = verify(unfinished)
        _to_disk(unfinished)
        unfinished.rename(target)
        _to_disk(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return found


def verify(path: Path) -> Contents:
    """Return what the database file *path* holds, once every page of it has been read.

    Raises:
        BadBackup: It is damaged, or no database of ours.
    """
    try:
        with _opened(path) as connection:
            faults = connection.execute("PRAGMA integrity_check").fetchall()
            if faults != [("ok",)]:
                raise BadBackup(f"{path} is damaged: {faults[0][0]}")
            if connection.execute("PRAGMA foreign_key_check").fetchall():
                raise BadBackup(f"{path} holds rows that point at nothing")
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            rows = {
                table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - names of ours  # nosec B608
                for table in _COUNTED
            }
    except (sqlite3.DatabaseError, TypeError) as exc:
        raise BadBackup(f"{path} is no database of Threadlink's") from exc
    return Contents(revision, rows)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    # Read only: a name that was mistyped must not become an empty database.
    if not path.is_file():
        raise BadBackup(f"{path} is not there")
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
