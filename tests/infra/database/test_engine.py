from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import URL, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from app.infra.database.engine import UtcDateTime, make_engine
from app.infra.settings.parsing import SettingError, database_url


def test_the_session_fixture_talks_to_a_real_database(session: Session) -> None:
    assert 1 == session.scalar(text("SELECT 1"))


def test_sqlite_is_durable_and_waits(tmp_path: Path) -> None:
    """R117: what is committed survives a power cut, and a writer waits for another."""
    engine = make_engine(database_url(f"sqlite:///{tmp_path}/db.sqlite"))

    with engine.connect() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()

    assert ["wal", 2, 1, 2500] == pragmas


def test_only_the_owner_can_read_a_new_sqlite_file(tmp_path: Path) -> None:
    """R113."""
    path = tmp_path / "db.sqlite"

    make_engine(database_url(f"sqlite:///{path}")).dispose()

    assert 0o600 == path.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgres://u@h/d", "postgresql+psycopg"),
        ("postgresql://u@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg"),
        ("sqlite:///x", "sqlite"),
    ],
)
def test_a_database_address_gets_our_driver(given: str, driver: str) -> None:
    assert driver == database_url(given).drivername


@pytest.mark.parametrize("given", ["", "nonsense", "mysql://h/d", "postgresql+asyncpg://h/d"])
def test_another_database_is_refused(given: str) -> None:
    with pytest.raises(SettingError, match=r"must begin with sqlite:/// or postgresql://"):
        database_url(given)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), sqlite.dialect())  # noqa: DTZ001


def test_a_time_comes_back_in_utc() -> None:
    noon_in_paris = datetime(2026, 11, 21, 13, tzinfo=timezone(timedelta(hours=1)))

    stored = UtcDateTime().process_bind_param(noon_in_paris, sqlite.dialect())

    assert stored == datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_writer_on_postgresql_waits_with_a_limit(postgres_server: URL) -> None:
    engine = make_engine(postgres_server)

    with engine.connect() as connection:
        limit = connection.scalar(text("SHOW lock_timeout"))
    engine.dispose()

    assert "2500ms" == limit
