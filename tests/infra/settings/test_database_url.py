"""DATABASE_URL as people write it: taken for what it means, or refused with the reason."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from app.infra.database.engine import make_engine
from app.infra.settings.database_url import database_url
from app.infra.settings.parsing import SettingError
from app.infra.settings.settings import ConfigError
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT


def connects_with(url: URL) -> Mapping[str, object]:
    """Return what the driver gets for *url*."""
    dialect: Any = PGDialect_psycopg
    _, arguments = dialect().create_connect_args(url)
    return {name: str(value) for name, value in arguments.items()}


@pytest.mark.parametrize(
    "scheme",
    [
        "postgresql",
        "postgres",
        "POSTGRES",
        "pgsql",
        "psql",
        "postgis",
        "jdbc:postgresql",
        "postgresql+psycopg",
        "postgresql+psycopg2",
        "postgresql+asyncpg",
        "postgresql+pg8000",
        "postgres+psycopg2",
    ],
)
def test_every_name_of_postgresql_is_taken_for_it(scheme: str) -> None:
    url = database_url(f"{scheme}://u:p@h:5433/d")

    assert "postgresql+psycopg" == url.drivername
    assert {
        "user": "u",
        "password": "p",
        "host": "h",
        "port": "5433",
        "dbname": "d",
    } == connects_with(url)


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite3", "sqlite+pysqlite", "sqlite+aiosqlite"])
@pytest.mark.parametrize(
    ("rest", "path"), [("/x.sqlite", "x.sqlite"), ("//var/x%20.db", "/var/x%20.db")]
)
def test_every_name_of_sqlite_is_taken_for_it(scheme: str, rest: str, path: str) -> None:
    url = database_url(f"{scheme}://{rest}")

    assert ("sqlite", path) == (url.drivername, url.database)


@pytest.mark.parametrize(
    ("written", "hosts", "ports"),
    [
        ("a:1,b:2/d", "a,b", "1,2"),
        ("a,b:2/d", "a,b", ",2"),
        ("a:1,b/d", "a,b", "1,"),
        ("[::1]:5432,[fd00::2]/d", "::1,fd00::2", "5432,"),
        ("[::1]:5432/d", "::1", "5432"),
        ("[fe80::1%25eth0]:5432/d", "fe80::1%eth0", "5432"),
        ("/d?host=a,b&port=1,2", "a,b", "1,2"),
        ("/d?host=a,b&port=1", "a,b", "1,1"),
        ("a,b/d?port=1", "a,b", "1,1"),
        ("/d?host=a:1&host=b:2", "a,b", "1,2"),
        ("/d?host=a:1,b:2", "a,b", "1,2"),
        ("/d?host=a&host=b&port=1,2", "a,b", "1,2"),
        ("/d?host=a:1", "a", "1"),
        ("/d?host=::1&port=1", "::1", "1"),
        ("/d?host=/run/postgresql&port=1", "/run/postgresql", "1"),
        ("%2Frun%2Fpostgresql:1/d", "/run/postgresql", "1"),
        ("/d?host=/run/postgresql,b&port=1,2", "/run/postgresql,b", "1,2"),
        ("/d?hostaddr=10.0.0.1,10.0.0.2&port=1,2", "10.0.0.1,10.0.0.2", "1,2"),
        ("h/d?port=1", "h", "1"),
        ("h:1?dbname=d", "h", "1"),
    ],
)
def test_hosts_are_read_in_every_spelling(written: str, hosts: str, ports: str) -> None:
    """Libpq's (34.1.1.3) and SQLAlchemy's, which are several."""
    got = connects_with(database_url(f"postgresql://{written}"))

    assert (hosts, ports, "d") == (got["host"], got["port"], got["dbname"])


def test_hosts_without_ports_have_the_usual_one() -> None:
    """Libpq takes an empty port for 5432, in a list as well."""
    assert ("a,b", ",") == tuple(
        connects_with(database_url("postgresql://a,b/d"))[name] for name in ("host", "port")
    )


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_a_quoted_password_may_have_any_character(password: str) -> None:
    quoted = quote(password, safe="")

    for address in (f"u:{quoted}@h/d?sslmode=require", f"h/d?user=u&password={quoted}"):
        assert password == connects_with(database_url(f"postgresql://{address}"))["password"]


@pytest.mark.parametrize(
    "password", ["p@w", "p@@", "p/w", "p#w", "p?w", "p%w", "p w", "p:w", "[+]&="]
)
def test_a_password_is_taken_where_one_reading_alone_is_possible(password: str) -> None:
    got = connects_with(database_url(f"postgresql://u:{password}@h:5432/d"))

    assert (password, "h", "d") == (got["password"], got["host"], got["dbname"])


REFUSED = [
    ("", "must begin with sqlite:/// or postgresql://"),
    ("s3cret", "must begin with"),
    ("host=h password=s3cret", "must begin with"),
    ("redis://u:s3cret@h/d", "must begin with"),
    ("jdbc:postgresql:s3cret", "must begin with"),
    ("sqlite+pysqlcipher://:s3cret@/x", "must begin with"),
    ("mysql+pymysql://u:s3cret@h/d", "must begin with sqlite:/// or postgresql://: mysql is"),
    ("jdbc:mariadb://u:s3cret@h/d", "mariadb is another database"),
    ("mongodb+srv://u:s3cret@h/d", "mongodb is another database"),
    ("sqlite://s3cret.sqlite", "must name a file and nothing else: sqlite:///relative/path"),
    ("sqlite:///x.sqlite?mode=s3cret", "must name a file and nothing else"),
    ("postgresql://u:s3cret@h/d\n", "control character"),
    ("postgresql://u:s3cret%00@h/d", "control character"),
    ("postgresql://u:s3@c/ret@h/d", "in two ways: in a password, write / ? @ as %2F %3F %40"),
    ("postgresql://u:s3/c?ret@h/d", "in two ways"),
    ("postgresql://u:s3cret@a/d?host=b", "names a host twice"),
    ("postgresql://u:s3cret@h/d?password=s3cret", "names the password twice"),
    ("postgresql://u:s3cret@h/d?user=s3cret", "names the user twice"),
    ("postgresql://u:s3cret@h/d?dbname=s3cret", "names the dbname twice"),
    ("postgresql://u:s3cret@h:1/d?port=2", "names a port twice"),
    ("postgresql://u:s3cret@h/d?port=1&port=s3cret", "a port that is no number"),
    ("postgresql://u:s3cret@h/d?port=1,2", "another number of ports"),
    ("postgresql://u:s3cret@a,b,c/d?port=1,2", "another number of ports"),
    ("postgresql://u:s3cret@a,b/d?hostaddr=10.0.0.1", "another number of hosts"),
    ("postgresql://u:s3cret@h:99999/d", "a port that is no number from 1 to 65535"),
    ("postgresql://u:s3cret@h:5432:s3cret/d", "an IPv6 address stands in [ ]"),
    ("postgresql://u:s3cret@[::1/d", "an IPv6 address stands in [ ]"),
    ("postgresql://u:s3cret@h/d?s3cret", "has a parameter without ="),
    ("postgresql://u:s3cret@h/d?%20=s3cret", "has a parameter that PostgreSQL does not know"),
    ("postgresql://u:s3cret@h/d?schema=s3cret", "has schema=, which PostgreSQL does not know: wri"),
    ("postgresql://u:s3cret@h/d?currentSchema=x", "options=-csearch_path%3DNAME"),
    ("postgresql://u:s3cret@h/d?pgbouncer=true", "not know: behind a pooler in transaction"),
    ("postgresql://u:s3cret@h/d?connection_limit=5", "THREADS bounds the connections"),
    ("postgresql://u:s3cret@h/d?prepare_threshold=0", "mode, write pooler=transaction"),
    ("postgresql://u:s3cret@h/d?pooler=session", "has another pooler= than transaction"),
    ("postgresql://u:s3cret@h/d?ssl=true", "write sslmode=require"),
    ("postgresql://u:s3cret@h/d?sslmode=", "has another sslmode= than disable, allow"),
    ("postgresql://u:s3cret@h/d?sslmode=Require", "has another sslmode= than"),
    ("postgresql://u:s3cret@h/d?sslmode=no-verify", "has another sslmode= than"),
    ("postgresql://u:s3cret@h/d?sslmode=disable&sslmode=require", "has sslmode= more than once"),
    ("postgresql://u:s3cret@h/d?channel_binding=true", "has another channel_binding= than"),
    ("postgresql://u:s3cret@h/d?target_session_attrs=rw", "has another target_session_attrs="),
    ("postgresql://u:s3cret@h/d?sslrootcert=/s3cret/x", "has sslrootcert= with a file that cannot"),
    ("postgresql://u:s3cret@h/d?sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
    ("postgresql://u:s3cret@h/d?options=-clock_timeout%3D1", "has options= with lock_timeout"),
    ("postgresql://u:s3cret@h/d?connect_timeout=0", "has another connect_timeout= than 1 to 60"),
]


@pytest.mark.parametrize(("address", "why"), REFUSED)
def test_what_would_be_ignored_or_overridden_is_refused(address: str, why: str) -> None:
    """Before anything connects; and the reason quotes no value."""
    with pytest.raises(SettingError) as refused:
        database_url(address)

    assert why in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_reason_is_one_line_at_the_start() -> None:
    with pytest.raises(ConfigError) as refused:
        settings_from_env({**ENVIRONMENT, "DATABASE_URL": "postgresql://u:s3cret@h/d?schema=x"})

    (line,) = str(refused.value).splitlines()
    assert line.startswith("DATABASE_URL has schema=, which PostgreSQL does not know")


def test_options_are_joined_with_ours_and_nothing_is_overridden(postgres_server: URL) -> None:
    """`?options=` was dropped without a word, and eleven tables stood in another schema."""
    written = postgres_server.render_as_string(hide_password=False)
    options = "-csearch_path%3Dother&options=-c+work_mem%3D5MB&connect_timeout=7"
    engine = make_engine(database_url(f"{written}?options={options}&application_name=here"))

    with engine.connect() as connection:
        shown = [
            connection.scalar(text(f"SHOW {name}"))
            for name in ("search_path", "work_mem", "application_name", "lock_timeout")
        ]
        driver = connection.connection.driver_connection
        assert driver is not None
        timeout = driver.info.get_parameters()["connect_timeout"]
    engine.dispose()

    assert ["other", "5MB", "here", "2500ms"] == shown
    assert "7" == timeout


@pytest.mark.parametrize(
    "spelling",
    [
        "127.0.0.1:1,{at}/{db}",
        "127.0.0.1:1,127.0.0.1:{port}/{db}",
        "/{db}?host=127.0.0.1,localhost&port=1,{port}",
        "/{db}?host=127.0.0.1:1&host={at}",
        "/{db}?hostaddr=127.0.0.1&port={port}",
    ],
)
def test_the_second_host_is_reached_where_the_first_is_down(
    postgres_server: URL, spelling: str
) -> None:
    server = postgres_server
    rest = spelling.format(at=f"{server.host}:{server.port}", port=server.port, db=server.database)
    address = f"postgresql://{server.username}@{rest}"
    engine = make_engine(database_url(address))

    with engine.connect() as connection:
        assert server.database == connection.scalar(text("SELECT current_database()"))
    engine.dispose()


def test_a_file_of_authorities_is_taken_where_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.touch()

    url = database_url(f"postgresql://h/d?sslmode=verify-full&sslrootcert={path}")

    assert str(path) == connects_with(url)["sslrootcert"]
