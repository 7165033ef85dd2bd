"""Backups are restored here, and served (R124)."""

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL
from sqlalchemy.orm import Session

from app.accounts import local
from app.infra.database.backup import BadBackup, copy, verify
from app.infra.settings.database_url import database_url
from app.services.container import Services, build
from tests.installation import NOON, settings_for


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> URL:
    """Return a SQLite database: PostgreSQL has its own tool."""
    path = tmp_path / "live.sqlite"
    shutil.copyfile(sqlite_template, path)
    return database_url(f"sqlite:///{path}")


def names(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT username FROM account ORDER BY username").fetchall()
    connection.close()
    return [name for (name,) in found]


def test_a_backup_can_be_restored_and_served(services: Services, tmp_path: Path) -> None:
    """R124."""
    services.write(local.add, "ann@example.com", None, "$argon2id$x", at=NOON)

    found = copy(tmp_path / "live.sqlite", tmp_path / "copy.sqlite")

    assert 1 == found.rows["account"]
    assert 0o600 == (tmp_path / "copy.sqlite").stat().st_mode & 0o777
    restored = build(settings_for(database_url(f"sqlite:///{tmp_path / 'copy.sqlite'}")))
    restored.write(local.add, "ben@example.com", None, "$argon2id$x", at=NOON)
    restored.close()
    assert ["ann@example.com", "ben@example.com"] == names(tmp_path / "copy.sqlite")


def test_a_backup_under_writes_is_of_one_moment(services: Services, tmp_path: Path) -> None:
    """
    R124: each commit adds a pair; a copy with half a pair was taken from two moments.
    """
    stop, started = threading.Event(), threading.Event()

    def pair(session: Session, number: int) -> None:
        for side in ("left", "right"):
            local.add(session, f"{side}-{number}@example.com", None, "$argon2id$x", at=NOON)

    def write() -> None:
        number = 0
        while not stop.is_set():
            services.write(pair, number)
            number += 1
            started.set()

    writer = threading.Thread(target=write)
    writer.start()
    started.wait()
    counts = [
        copy(tmp_path / "live.sqlite", tmp_path / f"{turn}.sqlite").rows["account"]
        for turn in range(3)
    ]
    stop.set()
    writer.join()

    assert [0, 0, 0] == [count % 2 for count in counts]
    assert counts[0] > 0


def test_a_copy_never_replaces_a_file(services: Services, tmp_path: Path) -> None:
    assert services.settings.database_url.database
    (tmp_path / "old.sqlite").write_text("yesterday's", encoding="utf-8")

    with pytest.raises(BadBackup, match="exists already"):
        copy(tmp_path / "live.sqlite", tmp_path / "old.sqlite")

    assert "yesterday's" == (tmp_path / "old.sqlite").read_text(encoding="utf-8")


def test_a_source_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(BadBackup, match="does not exist"):
        copy(tmp_path / "mistyped.sqlite", tmp_path / "copy.sqlite")

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("theirs_is", ["a link", "a file"])
def test_nothing_is_copied_into_a_file_of_another_user(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs_is: str
) -> None:
    """Whoever may write to the folder exchanges the file just before SQLite opens it."""
    services.write(local.add, "ann@example.com", None, "$argon2id$x", at=NOON)
    folder, theirs = tmp_path / "shared", tmp_path / "theirs"
    folder.mkdir()
    theirs.touch()
    connect = sqlite3.connect

    def attacked(path: str | Path, **options: Any) -> Any:
        if isinstance(path, Path):
            path.unlink()
            path.symlink_to(theirs) if theirs_is == "a link" else theirs.rename(path)
        return connect(path, **options)

    monkeypatch.setattr(sqlite3, "connect", attacked)
    with pytest.raises(BadBackup, match="another user has moved the unfinished copy"):
        copy(tmp_path / "live.sqlite", folder / "copy.sqlite")

    left = [*folder.iterdir(), *([theirs] if theirs.exists() else [])]
    assert [] == [path for path in left if b"ann@example.com" in path.read_bytes()]
    assert "copy.sqlite" not in {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("taken", ["copy.sqlite", "copy.sqlite.unfinished"])
def test_a_link_that_leads_nowhere_is_neither_followed_nor_replaced(
    services: Services, tmp_path: Path, taken: str
) -> None:
    """A copy of before had the second name until it was verified."""
    assert services.settings.database_url.database
    (tmp_path / taken).symlink_to(tmp_path / "theirs")

    try:
        copy(tmp_path / "live.sqlite", tmp_path / "copy.sqlite")
    except BadBackup as exc:
        assert "exists already" in str(exc)  # noqa: PT017 - of one of the two

    assert not (tmp_path / "theirs").exists()
    assert (tmp_path / taken).is_symlink()


def test_a_folder_that_is_not_there_is_named(services: Services, tmp_path: Path) -> None:
    assert services.settings.database_url.database

    with pytest.raises(BadBackup, match="cannot be written: No such file or directory"):
        copy(tmp_path / "live.sqlite", tmp_path / "mistyped/copy.sqlite")


def test_the_copy_is_one_file(services: Services, tmp_path: Path) -> None:
    """Reading it makes no -wal and -shm files, for which a folder might have no room or right."""
    assert services.settings.database_url.database
    path = tmp_path / "copy.sqlite"

    copy(tmp_path / "live.sqlite", path)

    with closing(sqlite3.connect(path)) as connection:
        assert ("delete",) == connection.execute("PRAGMA journal_mode").fetchone()
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
    assert [path.name] == [each.name for each in tmp_path.iterdir() if "copy" in each.name]


@pytest.mark.parametrize("damage", ["cut", "overwritten", "another program's"])
def test_a_damaged_copy_is_found_out(services: Services, tmp_path: Path, damage: str) -> None:
    for number in range(200):
        services.write(local.add, f"{number}@example.com", None, "$argon2id$x", at=NOON)
    path = tmp_path / "copy.sqlite"
    copy(tmp_path / "live.sqlite", path)
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "overwritten":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + b"\x55" * 8192 + content[middle + 8192 :])
    else:
        path.unlink()
        sqlite3.connect(path).close()

    with pytest.raises(BadBackup):
        verify(path)
