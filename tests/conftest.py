import gc
import os
import shutil
import sys
import tempfile
import threading
import uuid
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import responses
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from playwright.sync_api import Browser
from sqlalchemy import URL, Engine
from sqlalchemy.orm import Session

from app import create_app
from app.accounts.passwords import Hasher
from app.infra.database import schema
from app.infra.database.engine import make_engine
from app.infra.observability import logs
from app.infra.settings.database_url import database_url
from app.infra.settings.settings import Settings
from app.linking import delivery_counter, event_recorder
from app.services.container import Services, build
from tests import chromium, compiled, postgres
from tests.actors import Graph, Messenger, Person
from tests.browsers import InProcess
from tests.installation import add_jane, settings_for
from tests.postgres import ReusedDatabase

if TYPE_CHECKING:
    from tests.accounts.active_directory import Domain


def _refuse_the_internet(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host not in {None, "localhost", b"localhost"} and not _is_loopback(host):
        raise ConnectionRefusedError(f"tests talk to this machine only, not to {host!r}")


def _is_loopback(host: object) -> bool:
    try:
        return isinstance(host, str) and ip_address(host).is_loopback
    except ValueError:
        return False


# Nobody can take it out again, and nothing needs to be patched for it.
sys.addaudithook(_refuse_the_internet)

# No test is a stopwatch: in a fresh clone hypothesis makes its tables of Unicode first, for two
# seconds, and takes that for a slow test. The same examples each time, so that a run that fails is
# no matter of luck; `make explore` looks for others, and what it finds becomes a case.
hypothesis.register_profile(
    "fixed",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
)
hypothesis.register_profile(
    "explore",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=False,
    max_examples=2_000,
    print_blob=True,
)
hypothesis.load_profile("fixed")

pytest_plugins = ["tests.no_skips", "pytester"]


# Production's parameters (tests/accounts/test_passwords.py) take 30 ms for each hash and each look.
LITTLE_WORK: Final = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)

compiled.keep()


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Return one more than there are cores, which were idle for a quarter of the time."""
    return (yield) + 1


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector: all modules and tests stay until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def _log() -> None:
    """Let each test begin with the log as it is shipped: another may have left another level."""
    logs.configure(level="info", form="json")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    # Nobody pulls the plug in these tests; the drills start their own server, with fsync.
    with postgres.running("fsync=off", "full_page_writes=off", "max_connections=200") as url:
        yield url


# Where a commit waits for no disk; a kill is no power failure, so that nothing is lost by it.
MEMORY: Final = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - folders of our own in it


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    _migrate(database_url(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: URL) -> str:
    name = f"template_{uuid.uuid4().hex}"
    _migrate(postgres.new_database(postgres_server, name))
    return name


@pytest.fixture(scope="session")
def postgres_database(postgres_server: URL, postgres_template: str) -> Iterator[ReusedDatabase]:
    database = ReusedDatabase(postgres_server, postgres_template)
    yield database
    database.drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[URL]:
    """Yield the address of an empty database, migrated, once on each engine."""
    before = threading.enumerate()
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        with tempfile.TemporaryDirectory(prefix="threadlink-", dir=MEMORY) as folder:
            path = shutil.copyfile(template, Path(folder) / "threadlink.sqlite")
            yield database_url(f"sqlite:///{path}")
            _refuse_open_services(before)
        return
    reused: ReusedDatabase = request.getfixturevalue("postgres_database")
    yield reused.url
    _refuse_open_services(before)
    reused.reset()


def _refuse_open_services(before: Sequence[threading.Thread]) -> None:
    # Their thread would write what it has counted into the database of a later test.
    if any(
        thread.name in {delivery_counter.THREAD_NAME, event_recorder.THREAD_NAME}
        for thread in threading.enumerate()
        if thread not in before
    ):
        raise RuntimeError("the test has built services and not closed them")


# For what only one of the two does: the test is then not run on the other, and not skipped either.
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def engine(database: URL) -> Iterator[Engine]:
    engine = make_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_engine(sqlite_template: Path) -> Iterator[Engine]:
    engine = make_engine(database_url(f"sqlite:///{sqlite_template.with_name('shared.sqlite')}"))
    shutil.copyfile(sqlite_template, str(engine.url.database))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql_engine(postgres_server: URL, postgres_template: str) -> Iterator[Engine]:
    name = f"shared_{uuid.uuid4().hex}"
    engine = make_engine(postgres.new_database(postgres_server, name, template=postgres_template))
    yield engine
    engine.dispose()
    postgres.drop_database(postgres_server, name)


@pytest.fixture(params=["sqlite", "postgresql"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """Yield a session whose changes are thrown away, so that all may share one database."""
    engine: Engine = request.getfixturevalue(f"{request.param}_engine")
    with Session(engine) as session:
        yield session
        session.rollback()


@pytest.fixture
def settings(database: URL) -> Settings:
    """Return settings as an operator's, on the test's database; no environment is read."""
    return settings_for(database)


@pytest.fixture(scope="session", autouse=True)
def _little_work() -> Iterator[None]:
    """Let all services of this process hash with little work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.services.container.Hasher", partial(Hasher, LITTLE_WORK))
        yield


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    # So that a busy machine is no reason to fail; what the limit does has tests of its own.
    services = build(settings, limit_seconds=60)
    yield services
    services.close()


@pytest.fixture
def app(services: Services) -> Flask:
    return create_app(services)


@pytest.fixture
def client(app: Flask, settings: Settings) -> InProcess:
    """Return a browser that has never been here."""
    return InProcess(app, settings.public_url)


@pytest.fixture
def messenger(client: InProcess) -> Messenger:
    return Messenger(client)


@pytest.fixture
def person(client: InProcess) -> Person:
    return Person(client)


@pytest.fixture
def jane(services: Services) -> str:
    """Return the subject of Jane, who has an account: USERNAME and PASSWORD."""
    return add_jane(services)


@pytest.fixture
def graph(request: pytest.FixtureRequest) -> Iterator[Graph]:
    """Yield the edge of Graph; while it stands, no request leaves this process.

    Marked `real_peers`, a test has servers of its own on this machine, which are real.
    """
    with responses.RequestsMock(assert_all_requests_are_fired=False) as edge:
        if request.node.get_closest_marker("real_peers"):
            edge.add_passthru("http://127.0.0.1")
        yield Graph(edge)


@pytest.fixture(scope="session")
def active_directory() -> Iterator["Domain"]:
    """Yield the one domain of all tests: its start takes a second."""
    from tests.accounts.active_directory import domain  # noqa: PLC0415 - it loads much

    with domain() as there:
        yield there


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield the one browser of all tests: playwright allows no second one beside it."""
    with chromium.running() as browser:
        yield browser


def _migrate(url: URL) -> None:
    engine = make_engine(url)
    schema.upgrade(engine)
    engine.dispose()
