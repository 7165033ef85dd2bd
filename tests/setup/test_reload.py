"""SIGHUP: the server and its worker continue with the settings as they are then."""

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

import pytest
from sqlalchemy import URL

from app.accounts import local
from app.emulator import PageSettings, psid_for
from app.linking import link_queries
from app.linking.graph_unlink import enqueue_unlink
from app.messenger.types import PageId, Psid
from app.services.container import Services, build
from app.services.settings import settings_from_env
from tests import shipped
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import ENVIRONMENT, NOON, PASSWORD
from tests.setup.conftest import Platform, messenger_of
from tests.setup.messenger_visitor import Visitor

PAGES: Final = {
    "1717527131834678": "Harbour Coffee",
    "2817527131834679": "Corner Books",
    "3917527131834680": "Blue Bikes",
}
HARBOUR, BOOKS, BIKES = PAGES
NAMES: Final = ("Ana Berg", "Ben Okafor")
VISITORS: Final = tuple(itertools.product(PAGES, NAMES))


@pytest.fixture
def platform() -> Iterator[Platform]:
    """Yield a Messenger with three pages, each with its own token."""
    with messenger_of(PageSettings(id_, PAGES[id_], f"EAA{id_}") for id_ in PAGES) as platform:
        yield platform


@pytest.fixture
def pages_file(tmp_path: Path) -> Path:
    """Return a PAGES_FILE that has the first two pages."""
    path = tmp_path / "pages.toml"
    write(path, {HARBOUR: PAGES[HARBOUR], BOOKS: "Corner Books, as it was called"})
    return path


@pytest.fixture
def changed(platform: Platform, pages_file: Path) -> dict[str, str]:
    return {
        "PAGE_ID": "",
        "PAGE_ACCESS_TOKEN": "",
        "PAGES_FILE": str(pages_file),
        "GRAPH_URL": platform.origin,
        "REDIRECT_ORIGINS": platform.origin,
        "LOG_LEVEL": "info",
    }


@pytest.fixture
def here(database: URL, changed: dict[str, str]) -> Iterator[Services]:
    """Yield the services of the operator's commands, on the same database."""
    at = database.render_as_string(hide_password=False)
    services = build(settings_from_env({**ENVIRONMENT, **changed, "DATABASE_URL": at}))
    yield services
    services.close()


def write(path: Path, pages: dict[str, str]) -> None:
    tables = (f'[[pages]]\nid = "{p}"\nname = "{n}"\ntoken = "EAA{p}"\n' for p, n in pages.items())
    path.write_text("\n".join(tables), encoding="utf-8")


def add_users(here: Services) -> dict[tuple[str, str], str]:
    """Make an account for each of VISITORS; return their subjects."""
    hashed = here.hasher.hash(PASSWORD)
    return {
        visitor: here.write(local.add, f"user-{number}@example.com", None, hashed, at=NOON)
        for number, visitor in enumerate(VISITORS)
    }


def reload(server: shipped.Shipped, processes: int) -> None:
    """Send SIGHUP, and return when every process answers by the new settings."""
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: processes <= server.log.read_text().count('"event": "server.reloaded"'))


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + shipped.PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < limit
        # What another process writes into a file is announced by nobody.
        time.sleep(0.02)


class Crowd:
    """Many who ask all the time, each over a new connection; *unanswered* is what went wrong."""

    def __init__(self, server: shipped.Shipped) -> None:
        self._server, self._over = server, threading.Event()
        self.asked, self.unanswered = 0, list[str]()
        self._threads = [threading.Thread(target=self._ask) for _ in range(8)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        head = f"GET /healthz HTTP/1.1\r\nHost: {shipped.HOST}\r\nConnection: close\r\n\r\n"
        while not self._over.is_set():
            try:
                with self._server.connect() as connection:
                    connection.sendall(head.encode())
                    statuses = [answer.status for answer in shipped.answers_on(connection)]
            except OSError as exc:
                self.unanswered.append(repr(exc))
            else:
                if statuses != [200]:
                    self.unanswered.append(repr(statuses))
            self.asked += 1


def test_two_people_on_each_of_three_pages_are_linked_across_a_reload(
    database: URL, platform: Platform, here: Services, changed: dict[str, str], pages_file: Path
) -> None:
    """
    Four are under way when the third page comes; nobody is lost, and nothing is mixed.
    """
    subjects = add_users(here)
    with shipped.serving(database, WORKERS="1", **changed) as server:
        platform.emulator.state.subscribe(f"{server.origin}/webhook")
        visitors = {
            (page, name): Visitor(server.origin, platform, page, name)
            for page, name in VISITORS
            if page != BIKES
        }
        shown_before = visitors[BOOKS, "Ana Berg"].person.sees.text

        write(pages_file, PAGES)
        with Crowd(server) as crowd:
            reload(server, processes=1)

        for name in NAMES:
            visitors[BIKES, name] = Visitor(server.origin, platform, BIKES, name)
        for number, visitor in enumerate(VISITORS):
            visitors[visitor].person.signs_in(username=f"user-{number}@example.com")
        shown_after = {key: visitor.person.sees.text for key, visitor in visitors.items()}
        for one in visitors.values():
            one.connects()
            one.close()

    found = {
        key: here.read(link_queries.find_link, PageId(key[0]), v.psid)
        for key, v in visitors.items()
    }
    assert subjects == {key: link.user.subject for key, link in found.items() if link and link.user}
    assert "Corner Books, as it was called" in shown_before
    for (page, _), text in shown_after.items():
        assert [PAGES[page]] == [name for name in PAGES.values() if name in text]
    assert [] == crowd.unanswered
    assert crowd.asked


@on_postgresql
def test_every_process_reloads_and_no_request_is_dropped(
    database: URL, changed: dict[str, str], pages_file: Path
) -> None:
    with shipped.serving(database, WORKERS="2", **changed) as server:
        write(pages_file, PAGES)
        with Crowd(server) as crowd:
            reload(server, processes=2)
            reload(server, processes=4)

    assert [] == crowd.unanswered
    assert crowd.asked
    assert 0 == server.process.returncode


def test_a_request_in_flight_is_answered_by_what_it_came_to(
    database: URL, platform: Platform, here: Services, changed: dict[str, str], pages_file: Path
) -> None:
    """
    The page goes out of the file while Graph is being asked about somebody on it.
    """
    add_users(here)
    asked, may_answer = threading.Event(), threading.Event()
    answer = platform.emulator_app

    def slowly(environ: dict[str, object], start: object) -> object:
        if str(environ["PATH_INFO"]).endswith("/me"):
            asked.set()
            may_answer.wait(shipped.PATIENCE_SECONDS)
        return answer(environ, start)

    one = shipped.serving(database, WORKERS="1", **changed)
    with one as server, ThreadPoolExecutor(1) as beside:
        visitor = Visitor(server.origin, platform, BOOKS, "Ana Berg")
        platform.emulator_app = slowly
        signing_in = beside.submit(visitor.person.presses, "Log in", **credentials(2))
        asked.wait(shipped.PATIENCE_SECONDS)

        write(pages_file, {HARBOUR: PAGES[HARBOUR]})
        reload(server, processes=1)
        may_answer.set()

        assert 303 == signing_in.result(shipped.PATIENCE_SECONDS).status
        # By now the page is unknown.
        assert 400 == visitor.webview("GET", visitor.entry).status
        visitor.close()
    assert 0 == server.process.returncode


FAULTY: Final = {
    "no TOML": "[[pages]",
    "no token": f'[[pages]]\nid = "{HARBOUR}"\nname = "x"\n',
    "empty": "",
}


@on_sqlite
@pytest.mark.parametrize("text", FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_file_keeps_what_was_and_says_so(
    database: URL, platform: Platform, changed: dict[str, str], pages_file: Path, text: str
) -> None:
    with shipped.serving(database, **changed) as server:
        pages_file.write_text(text, encoding="utf-8")

        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "Not reloaded; the previous settings stay" in server.log.read_text())

        visitor = Visitor(server.origin, platform, HARBOUR, "Ana Berg")
        visitor.close()
        log = server.log.read_text()
    assert "Log in to <bdi>Harbour Coffee</bdi>" in visitor.person.sees.text
    assert '"faults": ["PAGES_FILE ' in log
    assert '"event": "server.reload_refused"' in log
    assert "server.reloaded" not in log
    # Nor does a token get into the log with the fault.
    assert "EAA" not in log


@on_sqlite
def test_what_needs_a_restart_is_not_taken_over_in_silence(
    database: URL, changed: dict[str, str], tmp_path: Path
) -> None:
    server = shipped.start(database, tmp_path, **changed)
    (tmp_path / ".env").write_text("THREADS=4\n", encoding="utf-8")

    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "THREADS cannot change without a restart" in server.log.read_text())

    server.process.terminate()
    assert 0 == server.process.wait(shipped.PATIENCE_SECONDS)


def test_a_worker_beside_learns_of_the_new_page(  # noqa: PLR0913, PLR0917 - fixtures
    database: URL,
    platform: Platform,
    here: Services,
    changed: dict[str, str],
    pages_file: Path,
    tmp_path: Path,
) -> None:
    """
    Else what is owed to Messenger for that page would be dropped as of a page nobody knows.
    """
    folder = tmp_path / "worker"
    folder.mkdir()
    log = folder / "log"

    def unlinks() -> list[str]:
        calls = [entry.exchange.url for entry in platform.emulator.journal.entries()]
        return [url for url in calls if "unlink" in url]

    process = shipped.start_worker(database, folder, **changed)
    try:
        wait_for(lambda: "Working." in log.read_text())
        pages_file.write_text("[[pages]", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "Not reloaded" in log.read_text())

        write(pages_file, PAGES)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: '"event": "server.reloaded"' in log.read_text())
        bike = Psid(psid_for(platform.emulator.settings, BIKES, "Ana Berg"))
        here.write(enqueue_unlink, PageId(BIKES), bike, at=NOON)
        wait_for(lambda: bool(unlinks()))
    finally:
        process.terminate()
        assert 0 == process.wait(shipped.PATIENCE_SECONDS)


def credentials(number: int) -> dict[str, str]:
    return {"username": f"user-{number}@example.com", "password": PASSWORD}
