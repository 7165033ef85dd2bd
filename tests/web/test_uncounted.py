"""Tries while the database takes no writes: what cannot be counted is not checked (R61)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import QueuePool, event, text
from structlog.testing import capture_logs

from app import create_app
from app.accounts.identity import Identity
from app.accounts.sign_in_methods import SignInMethods
from app.infra.settings.settings import Settings
from app.services.container import Services
from tests.actors import Graph, log_in
from tests.browsers import Answer, InProcess
from tests.installation import ANA, PAGE, PASSWORD, USERNAME, add_jane
from tests.web.page_visitor import PageVisitor
from tests.web.stored_rows import StoredRows

Blocked = Callable[[], AbstractContextManager[None]]


class Counting:
    """The real authenticator, with the number of times that it was asked."""

    def __init__(self, services: Services) -> None:
        self._real = services.sign_in_methods[PAGE].password
        self.asked = 0

    def verify(self, username: str, password: str) -> Identity:
        self.asked += 1
        assert self._real is not None
        return self._real.verify(username, password)


@pytest.fixture
def authenticator(services: Services) -> Counting:
    return Counting(services)


@pytest.fixture
def site(services: Services, authenticator: Counting) -> Flask:
    add_jane(services)
    return create_app(replace(services, sign_in_methods={PAGE: SignInMethods(authenticator, ())}))


@pytest.fixture(params=["locked", "read-only"])
def without_writes(
    request: pytest.FixtureRequest, services: Services, monkeypatch: pytest.MonkeyPatch
) -> Blocked:
    """Return a context in which the database answers questions, and takes no writes."""
    block = _locked if request.param == "locked" else _read_only

    @contextmanager
    def without_writes() -> Iterator[None]:
        # So that nobody waits for long; what is written before and after has the usual time.
        with monkeypatch.context() as patched, block(services):
            patched.setattr(services.writer, "limit_seconds", 0.2)
            yield
        _wait_for_connections(services)

    return without_writes


def _wait_for_connections(services: Services) -> None:
    """Wait for writes that nobody waits for any more: else their connections are never closed."""
    pool, tick = services.engine.pool, threading.Event()
    assert isinstance(pool, QueuePool)
    while pool.checkedout():
        tick.wait(0.005)


@contextmanager
def _locked(services: Services) -> Iterator[None]:
    is_sqlite = services.engine.dialect.name == "sqlite"
    lock = "UPDATE throttle SET failures = failures" if is_sqlite else "LOCK TABLE throttle"
    with services.engine.connect() as other:
        other.execute(text(lock if is_sqlite else f"{lock} IN EXCLUSIVE MODE"))
        yield
        other.rollback()


@contextmanager
def _read_only(services: Services) -> Iterator[None]:
    def set_on(connection: Any, *, is_on: bool) -> None:
        if services.engine.dialect.name == "sqlite":
            connection.execute(f"PRAGMA query_only = {int(is_on)}")
        else:
            connection.read_only = is_on or None

    def on_checkout(connection: Any, *_: object) -> None:
        set_on(connection, is_on=True)

    def on_checkin(connection: Any, *_: object) -> None:
        # None: it was thrown out of the pool, since it takes no writes.
        if connection is not None:
            set_on(connection, is_on=False)

    event.listen(services.engine, "checkout", on_checkout)
    event.listen(services.engine, "checkin", on_checkin)
    yield
    event.remove(services.engine, "checkout", on_checkout)
    event.remove(services.engine, "checkin", on_checkin)


def _shown(answer: Answer) -> tuple[int, str]:
    reference = answer.text.partition('Reference <bdi dir="ltr">')[2].partition("<")[0]
    return answer.status, answer.text.replace(reference or "-", "")


@pytest.mark.parametrize("before", ["wrong", ""], ids=["profile known", "profile unknown"])
def test_guesses_are_refused_unseen_while_they_cannot_be_counted(
    site: Flask, graph: Graph, authenticator: Counting, without_writes: Blocked, before: str
) -> None:
    """R59, R61: right or wrong, the answer is the same 503; no password is looked at, and Graph is
    not asked.
    """
    login = log_in()
    graph.knows(login, ANA)
    guesser = PageVisitor(site)
    guesser.taps_log_in(login)
    form = guesser.sees.form("Log in")
    if before:
        guesser.signs_in(password=before)
    asked, calls = authenticator.asked, len(graph.calls)

    with without_writes(), capture_logs() as logged:
        wrong = guesser.sends(form, username=USERNAME, password="wrong")
        unknown = guesser.sends(form, username="nobody@example.com", password="wrong")
        right = guesser.sends(form, username=USERNAME, password=PASSWORD)

    assert 503 == wrong.status
    assert _shown(wrong) == _shown(unknown) == _shown(right)
    assert "retry-after" in right.headers
    assert (asked, calls) == (authenticator.asked, len(graph.calls))
    assert {"throttle.not_counted"} == {
        entry["event"] for entry in logged if entry["log_level"] == "error"
    }
    later = guesser.sends(form, username=USERNAME, password=PASSWORD)
    assert later.headers["location"].endswith("/confirm")


def test_no_sign_in_page_opens_uncounted(
    site: Flask, services: Services, without_writes: Blocked
) -> None:
    """R8, R61."""
    visitor = PageVisitor(site)

    with without_writes():
        visitor.opens(log_in().address())

    assert 503 == visitor.sees.status
    assert 0 == StoredRows(services).count("attempt")


def test_an_invented_api_key_is_refused_uncounted(
    site: Flask, settings: Settings, without_writes: Blocked
) -> None:
    """R94: as everything that cannot be counted; it is not told to be wrong."""
    client = InProcess(site, settings.public_url)

    with without_writes():
        answer = client("GET", "/api/v1/links/changes", headers={"Authorization": "Bearer x"})

    assert 503 == answer.status
    assert "WWW-Authenticate".lower() not in answer.headers
