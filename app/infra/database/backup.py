"""Backups of a SQLite database: copied while it is in use, and verified."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.infra import private_files
from app.infra.database.failures import explanation
from app.infra.private_files import Unfinished

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
        BadBackup: *target* exists already or cannot be written, or the copy is damaged.
    """
    _require_absent(target)
    try:
        with private_files.unfinished(target) as file:
            with _opened(source) as here, closing(sqlite3.connect(file.path)) as there:
                _require_same_file(there, file)
                # All pages at once: a writer does not wait for a reader (sqlite.org/wal.html), and
                # a copy in steps starts again after each commit (sqlite.org/backup.html).
                here.backup(there)
            _leave_wal_mode(file)
            contents = verify(file.path)
            _require_absent(target)
    except private_files.Replaced as exc:
        raise BadBackup(
            f"another user has moved the unfinished copy. Next: name a folder into which others "
            f"may not write, instead of {target.parent}"
        ) from exc
    except OSError as exc:
        raise BadBackup(f"{target} cannot be written: {exc.strerror}") from exc
    except sqlite3.DatabaseError as exc:
        raise BadBackup(f"{source} cannot be copied: {explanation(exc) or exc}") from exc
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


def _require_absent(target: Path) -> None:
    # A link is a name that is taken, too, wherever it leads.
    if os.path.lexists(target):
        raise BadBackup(f"{target} exists already")


def _require_same_file(there: sqlite3.Connection, file: Unfinished) -> None:
    """Have SQLite write its first page, and see whether it is in *file*.

    SQLite opens by path and follows links. Whoever may write to the folder can put a link there in
    between, and would get everything; but nobody else can write into *file*.
    """
    # Else it would write a journal, by path as well.
    there.execute("PRAGMA journal_mode=MEMORY")
    there.execute("PRAGMA application_id=1")
    if not os.fstat(file.handle).st_size:
        raise private_files.Replaced


def _leave_wal_mode(file: Unfinished) -> None:
    """Mark the copy as one file, which needs no -wal file beside it.

    Bytes 18 and 19 are the write and read versions: 2 for WAL, else 1 (sqlite.org/fileformat2.html,
    "The Database Header"). PRAGMA journal_mode would first read a -wal file that it finds by path.
    """
    os.lseek(file.handle, 18, os.SEEK_SET)
    os.write(file.handle, b"\x01\x01")
