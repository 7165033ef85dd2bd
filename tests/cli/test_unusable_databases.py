"""Every command x what an operator does wrong with the database: one line, cause and next step.

No traceback, no password, nothing that is not true, and an exit status other than 0.
"""

import re
import shutil
import socket
import sqlite3
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import URL, event

from app.cli import main
from app.infra.settings.database_url import database_url
from app.services.container import build
from tests import postgres
from tests.installation import ANA, ENVIRONMENT, PAGE, settings_for
from tests.messenger.loopback import hang_up, peer
from tests.ports import free_port

DB_PASSWORD: Final = "s3cret-database-password"
# The arguments of a command that needs some, and what is typed.
ARGUMENTS: Final = {
    "accounts add": "jane",
    "accounts delete": "jane --yes",
    "accounts disable": "jane",
    "accounts enable": "jane",
    "accounts import": "people.csv",
    "accounts set-password": "jane",
    "accounts show": "jane",
    "attempts show": "abcd-efgh",
    "invitations show": "abcd-efgh",
    "backup": "copy.sqlite",
    "keys create": "bot",
    "keys revoke": "0123456789",
    "links import": "links.csv",
    "links unlink": ANA,
    "links unlink-user": "local jane",
    "operators add": "kim --role admin",
    "operators delete": "kim --yes",
    "operators disable": "kim",
    "operators enable": "kim",
    "operators end-sessions": "kim",
    "operators set-password": "kim",
    "operators set-role": "kim --role admin",
    "outbox replay": "1",
    "outbox show": "1",
    "privacy done": "abcd-efgh",
    "privacy import": "deleted.csv",
    "privacy retry": "abcd-efgh",
    "run": "--port 0",
    "users export": "--user jane jane.json",
    "users forget": "--user jane --yes",
}
TYPED: Final = "quiet harbour, four gulls\n"
# They ask Graph, NATS or the address for alerts alone, or bring their own database.
WITHOUT_DATABASE: Final = {"alerts", "demo", "emulator", "messenger", "setup", "stream"}
FILES: Final = {
    "people.csv": "username,password_hash\n"
    "jane,$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy\n",
    "deleted.csv": "user_id\n1234567890\n",
    "links.csv": f"page_id,psid,issuer,subject\n{PAGE},{ANA},local,jane\n",
}


def _leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _leaves(command, (*path, name))
        else:
            yield " ".join((*path, name))


WALKED: Final = [leaf for leaf in _leaves(main) if leaf.split()[0] not in WITHOUT_DATABASE]


@contextmanager
def _server_that_says(severity: str, state: str, message: str) -> Iterator[int]:
    """Yield the port of a server that answers each start-up with an error, as PostgreSQL would.

    ErrorResponse (postgresql.org, "Message Formats", read 2026-11).
    """
    fields = {"S": severity, "V": severity, "C": state, "M": message}
    content = b"".join(f"{key}{text}\0".encode() for key, text in fields.items()) + b"\0"
    answer = b"E" + struct.pack("!I", len(content) + 4) + content

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                start = connection.recv(1024)
                if start[4:8] == struct.pack("!HH", 1234, 5679):
                    # SSLRequest: no TLS here.
                    connection.sendall(b"N")
                    connection.recv(1024)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _postgresql(port: int, name: str = "shop", query: str = "") -> str:
    return f"postgresql://threadlink:{DB_PASSWORD}@127.0.0.1:{port}/{name}{query}"


@contextmanager
def _refusing(severity: str, state: str, message: str) -> Iterator[str]:
    with _server_that_says(severity, state, message) as port:
        yield _postgresql(port)


@contextmanager
def _address(text: str) -> Iterator[str]:
    yield text


Fault: TypeAlias = tuple[Callable[[Path], AbstractContextManager[str]], str]
# What is wrong; then what the line has to say.
FAULTS: Final[dict[str, Fault]] = {
    "postgresql is not running": (
        lambda _: _address(_postgresql(free_port())),
        "Connection refused. Next: start PostgreSQL",
    ),
    "wrong password": (
        lambda _: _refusing(
            "FATAL", "28P01", 'password authentication failed for user "threadlink"'
        ),
        "Next: correct user and password",
    ),
    "no such role": (
        lambda _: _refusing("FATAL", "28000", 'role "threadlink" does not exist'),
        "Next: correct the user",
    ),
    "no such database": (
        lambda _: _refusing("FATAL", "3D000", 'database "shop" does not exist'),
        "Next: create it: createdb",
    ),
    "not allowed from here": (
        lambda _: _refusing("FATAL", "28000", 'no pg_hba.conf entry for host "127.0.0.1"'),
        "Next: allow this machine in pg_hba.conf",
    ),
    "starting up": (
        lambda _: _refusing("FATAL", "57P03", "the database system is starting up"),
        "Next: try again when it runs",
    ),
    "unknown parameter": (
        lambda _: _address(_postgresql(free_port(), query="?schema=public")),
        "has schema=",
    ),
    "unknown host": (
        lambda _: _address(f"postgresql://u:{DB_PASSWORD}@%2Fno%2Fsuch%2Fsocket/x"),
        "Next: ",
    ),
    "another kind of database": (
        lambda _: _address(f"mysql://u:{DB_PASSWORD}@127.0.0.1/x"),
        "DATABASE_URL must begin with sqlite:/// or postgresql://",
    ),
    "no file": (lambda _: _address("sqlite://"), "DATABASE_URL must name a file"),
    "two slashes": (lambda _: _address("sqlite://x/y"), "DATABASE_URL must name a file"),
    "a parameter of SQLite's": (
        lambda _: _address("sqlite:///x.sqlite?mode=ro"),
        "DATABASE_URL must name a file",
    ),
    "folder missing": (
        lambda folder: _address(f"sqlite:///{folder}/nowhere/x.sqlite"),
        "does not exist. Next: make it",
    ),
    "a file for a folder": (
        lambda folder: _address(f"sqlite:///{folder}/people.csv/x.sqlite"),
        "is no folder. Next: move away",
    ),
    "a folder for a file": (
        lambda folder: _address(f"sqlite:///{folder}"),
        "is a folder. Next: name a file in it",
    ),
    "no permission": (lambda _: _address("sqlite:////proc/x.sqlite"), "Next: "),
    "no database": (
        lambda folder: _address(f"sqlite:///{folder}/text.sqlite"),
        "is no SQLite database. Next: correct DATABASE_URL",
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "text.sqlite").write_text("This is a text, and no database. " * 100)
    return tmp_path


@pytest.fixture(scope="module")
def graph() -> Iterator[str]:
    """Yield the address of a Graph that refuses all: where none answers, doctor asks thrice."""
    body = b'{"error": {"message": "Invalid token", "type": "OAuthException", "code": 190}}'
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(body)
    with peer(hang_up(head, body)) as address:
        yield address


def _run(command: str, address: str, *, graph: str = "http://127.0.0.1:1") -> Result:
    line = [*command.split(), *ARGUMENTS.get(command, "").split()]
    env = {**ENVIRONMENT, "DATABASE_URL": address, "GRAPH_URL": graph}
    return CliRunner().invoke(main, line, input=TYPED, env=env)


def _complaint(command: str, result: Result) -> str:
    """Return the only line that says what is wrong."""
    assert result.exit_code != 0, command
    assert isinstance(result.exception, SystemExit), (command, result.exception)
    assert "Traceback" not in result.output
    assert DB_PASSWORD not in result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert 1 == len(lines), (command, result.output)
    return lines[0]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_command_says_what_is_wrong_with_the_database(folder: Path, fault: str) -> None:
    """Whatever the command: one line with cause and fix; no traceback and no password."""
    prepare, expected = FAULTS[fault]
    with prepare(folder) as address:
        results = {command: _run(command, address) for command in WALKED if command != "doctor"}

    for command, result in results.items():
        complaint = _complaint(command, result)
        # A backup of PostgreSQL is pg_dump's, whatever is wrong with it.
        assert expected in complaint or "Next: pg_dump" in complaint, command
        assert "busy" not in complaint
    assert not (folder / "nowhere").exists()


@pytest.mark.usefixtures("folder")
def test_a_pooler_that_shares_its_connections_is_to_be_told(
    postgres_server: URL, postgres_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the worker would fail now and then, and post again what the bot has got."""
    monkeypatch.setattr("app.cli.serving.pooler_of", lambda _engine: "transaction")
    name = f"pooled_{uuid.uuid4().hex}"
    url = postgres.new_database(postgres_server, name, template=postgres_template)
    for command in ("run", "serve", "worker"):
        complaint = _complaint(command, _run(command, url.render_as_string(hide_password=False)))
        assert complaint.endswith("Next: add the parameter pooler=transaction to it")
    postgres.drop_database(postgres_server, name)


@pytest.mark.usefixtures("folder")
def test_a_server_that_never_answers_is_told_as_one_that_is_away() -> None:
    """The driver's own kind of error for it ended in a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        complaint = _complaint("db status", _run("db status", _postgresql(silent.getsockname()[1])))

    assert "the database cannot be reached: connection timeout expired. Next: start" in complaint


@pytest.mark.parametrize("fault", FAULTS)
def test_doctor_lists_it_as_a_problem(folder: Path, fault: str, graph: str) -> None:
    prepare, _ = FAULTS[fault]
    with prepare(folder) as address:
        result = _run("doctor", address, graph=graph)

    assert 1 == result.exit_code
    assert re.search(r"PROBLEM  (database: |settings: DATABASE_URL )", result.output)
    assert "Traceback" not in result.output
    assert DB_PASSWORD not in result.output


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_without_tables_every_command_says_so(
    folder: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """Trying again never helps, so nothing says that the database is busy."""
    address = f"sqlite:///{folder}/empty.sqlite"
    if kind == "postgresql":
        server: URL = request.getfixturevalue("postgres_server")
        url = postgres.new_database(server, f"empty_{uuid.uuid4().hex}")
        address = url.render_as_string(hide_password=False)
    # A backup of PostgreSQL is another program's, and these tell the state of the tables.
    others = {"backup", "db status", "db upgrade", "doctor"}

    for command in WALKED:
        if command not in others:
            complaint = _complaint(command, _run(command, address))
            assert "the tables are missing or out of date. Next: threadlink db upgrade" in complaint
    status = _run("db status", address)
    assert (1, True) == (status.exit_code, status.output.endswith("Next: threadlink db upgrade\n"))


def test_tables_of_a_later_version_that_do_not_fit_are_not_upgraded(
    folder: Path, sqlite_template: Path
) -> None:
    """`db upgrade` would end in a traceback of Alembic's, and `run` advise it."""
    path = shutil.copyfile(sqlite_template, folder / "later.sqlite")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE schema_support SET oldest = '9998'")

    for command in ("db upgrade", "run", "serve", "worker"):
        complaint = _complaint(command, _run(command, f"sqlite:///{path}"))
        assert "a later version (9999). Next: install the version" in complaint


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [
        ("query_only=ON", "file or folder is read-only. Next: "),
        ("max_page_count=1", "the disk of the database is full. Next: free space"),
    ],
)
def test_a_database_that_takes_no_writes_is_told_from_one_that_is_busy(
    folder: Path, sqlite_template: Path, pragma: str, expected: str
) -> None:
    """SQLite's own errors, as for a read-only file and for a full disk."""
    path = shutil.copyfile(sqlite_template, folder / "full.sqlite")
    services = build(settings_for(database_url(f"sqlite:///{path}")))
    event.listen(
        services.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}")
    )
    rows = "".join(f"{PAGE},{number},local,jane\n" for number in range(5_000))
    (folder / "links.csv").write_text(f"page_id,psid,issuer,subject\n{rows}")

    result = CliRunner().invoke(main, ["links", "import", "links.csv"], obj=services)
    services.close()

    assert expected in _complaint("links import", result)


def test_a_database_that_is_busy_is_called_busy(folder: Path, sqlite_template: Path) -> None:
    """Only where that is true, and only there trying again is the advice."""
    path = shutil.copyfile(sqlite_template, folder / "busy.sqlite")
    services = build(settings_for(database_url(f"sqlite:///{path}")), limit_seconds=0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        result = CliRunner().invoke(main, ["keys", "create", "bot"], obj=services)
    services.close()

    assert "the database is busy" in _complaint("keys create", result)
    assert "Next: try again" in result.output
