"""Backups of a SQLite database: copied while it is in use, and verified."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_COUNTED: Final = ("link", "link_event", "account", "attempt", "outbox")


class BadBackup(Exception):
    """The file cannot be used as a backup; the message says why."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The revision of a database file, and the number of its rows by table."""

    revision: str
    rows: dict[str, int]


def copy(source: Path, target: Path) -> Contents:
    """Copy the database *source* to *target*, as it is at one moment; return the copy's contents.

    Only the owner can read the copy. It gets its name after it has been verified.

    Raises:
        BadBackup: *target* exists already, or the copy is damaged.
    """
    if target.exists():
        raise BadBackup(f"{target} exists already")
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    try:
        with _opened(source) as here, closing(sqlite3.connect(unfinished)) as there:
            # All pages at once: a writer does not wait for a reader (sqlite.org/wal.html), and a
            # copy in steps starts again after each commit (sqlite.org/backup.html).
            here.backup(there)
            # One file, so that the copy needs no -wal file beside it.
            there.execute("PRAGMA journal_mode=DELETE")
        contents = verify(unfinished)
        _to_disk(unfinished)
        unfinished.rename(target)
        _to_disk(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return contents


def verify(path: Path) -> Contents:
    """Read every page of the database file *path*; return its contents.

    Raises:
        BadBackup: It is damaged, or not a database of Threadlink.
    """
    try:
        with _opened(path) as connection:
            problems = connection.execute("PRAGMA integrity_check").fetchall()
            if problems != [("ok",)]:
                raise BadBackup(f"{path} is damaged: {problems[0][0]}")
            if connection.execute("PRAGMA foreign_key_check").fetchall():
                raise BadBackup(f"{path} has rows that refer to rows which do not exist")
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            rows = {
                table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - names of ours  # nosec B608
                for table in _COUNTED
            }
    except (sqlite3.DatabaseError, TypeError) as exc:
        raise BadBackup(f"{path} is not a database of Threadlink") from exc
    return Contents(revision, rows)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    # Read only: a mistyped name must not become an empty database.
    if not path.is_file():
        raise BadBackup(f"{path} does not exist")
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
