"""`threadlink serve` as a process: its start, its end, and requests in between."""

import json
import os
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import URL

from app.infra.database import schema
from app.infra.database.engine import make_engine
from tests import shipped
from tests.actors import Messenger, Person, log_in, message
from tests.browsers import OverSockets
from tests.conftest import on_sqlite
from tests.installation import ANA, NOON, PAGE
from tests.messenger.loopback import peer
from tests.service_manager import service_manager


def test_a_delivery_is_accepted(database: URL) -> None:
    with shipped.serving(database) as server:
        browser = OverSockets(server.origin)
        answer = Messenger(browser).tells(message(ANA, "hello", NOON))
        browser.close()

    assert 200 == answer.status
    assert "Threadlink" == answer.headers["server"]
    assert 0 == server.process.returncode


def test_several_processes_answer_one_port(database: URL) -> None:
    with shipped.serving(database, WORKERS="2") as server:
        browser = OverSockets(server.origin)
        statuses = [browser("GET", "/readyz").status for _ in range(8)]
        browser.close()
        log = server.log.read_text()

    assert [200] * 8 == statuses
    assert "2 processes, start threadlink worker as well" in log
    assert 0 == server.process.returncode


def test_it_does_not_start_on_old_tables(database: URL, tmp_path: Path) -> None:
    """Otherwise every request would fail, on a machine that a balancer believes ready."""
    engine = make_engine(database)
    schema.downgrade(engine, "base")
    engine.dispose()

    with pytest.raises(RuntimeError, match="Next: threadlink db upgrade"):
        shipped.start(database, tmp_path)


def test_a_request_in_flight_is_answered_after_sigterm(database: URL, tmp_path: Path) -> None:
    """R121: no new request is accepted, running ones finish, and the exit code is 0."""
    asked, may_answer = threading.Event(), threading.Event()

    def graph(connection: socket.socket) -> None:
        asked.set()
        may_answer.wait(shipped.PATIENCE_SECONDS)
        content = json.dumps({"id": PAGE, "recipient": ANA, "first_name": "Ana"}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n"
        connection.sendall(head.encode() + content)

    with peer(graph) as graph_url, ThreadPoolExecutor(1) as beside:
        server = shipped.start(database, tmp_path, GRAPH_URL=graph_url)
        browser = OverSockets(server.origin)
        person = Person(browser)
        person.taps_log_in(log_in())
        signing_in = beside.submit(person.signs_in)
        asked.wait(shipped.PATIENCE_SECONDS)

        server.process.send_signal(signal.SIGTERM)
        _wait_until_it_accepts_nothing(server)
        may_answer.set()

        assert 422 == signing_in.result(shipped.PATIENCE_SECONDS).status
        assert 0 == server.process.wait(shipped.PATIENCE_SECONDS)
        browser.close()


def test_idle_connections_do_not_delay_its_end(database: URL, tmp_path: Path) -> None:
    """R121: a proxy keeps some open all the time."""
    server = shipped.start(database, tmp_path)
    with server.connect() as never_used, server.connect() as used:
        used.sendall(f"GET /healthz HTTP/1.1\r\nHost: {shipped.HOST}\r\n\r\n".encode())
        used.recv(1)

        server.process.terminate()

        assert 0 == server.process.wait(shipped.PATIENCE_SECONDS)
        assert b"" == never_used.recv(1)


@on_sqlite
def test_it_drains_until_a_balancer_has_left(database: URL, tmp_path: Path) -> None:
    """R121: /readyz tells that it stops, while it serves on; a second signal ends it."""
    server = shipped.start(database, tmp_path, WORKERS="2", DRAIN_SECONDS="300")
    browser = OverSockets(server.origin)
    before = browser("GET", "/readyz")
    # As systemd and a terminal do, which signal all processes at once.
    os.killpg(server.process.pid, signal.SIGTERM)
    _wait_until_it_drains(browser)
    answers = [_last_answer(server, path) for path in ("/readyz",) * 4 + ("/healthz",)]
    delivery = Messenger(browser).tells(message(ANA, "hello", NOON))
    server.process.send_signal(signal.SIGTERM)

    assert 0 == server.process.wait(shipped.PATIENCE_SECONDS)
    browser.close()
    assert (200, None) == (before.status, before.headers.get("connection"))
    assert ["close"] * 5 == [answer.headers["connection"] for answer in answers]
    assert [503] * 4 + [200] == [answer.status for answer in answers]
    assert {b'{"status":"draining"}\n'} == {answer.body for answer in answers[:4]}
    assert 200 == delivery.status
    assert "Killing" not in server.log.read_text()


@on_sqlite
def test_a_service_manager_is_told_when_it_serves_reloads_and_stops(
    database: URL, tmp_path: Path
) -> None:
    """Type=notify: what systemd starts after it finds a server that answers."""
    with service_manager(tmp_path) as manager:
        told_to = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"}
        server = shipped.start(database, tmp_path, **told_to)
        assert ["READY=1"] == manager.next()
        assert ["WATCHDOG=1"] == manager.next(but="")

        server.process.send_signal(signal.SIGHUP)
        assert "RELOADING=1" == manager.next()[0]
        assert ["READY=1"] == manager.next()

        server.process.send_signal(signal.SIGTERM)
        assert ["STOPPING=1"] == manager.next()
        assert 0 == server.process.wait(shipped.PATIENCE_SECONDS)


def _last_answer(server: shipped.Shipped, path: str) -> shipped.RawAnswer:
    """Return the answer on a connection of its own, which the server closes after it."""
    with server.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {shipped.HOST}\r\n\r\n".encode())
        (answer,) = shipped.answers_on(connection)
    return answer


def _wait_until_it_drains(browser: OverSockets) -> None:
    while browser("GET", "/readyz").status != 503:
        pass


def _wait_until_it_accepts_nothing(server: shipped.Shipped) -> None:
    while True:
        try:
            server.connect().close()
        except ConnectionRefusedError:
            return
        except (ConnectionResetError, subprocess.TimeoutExpired):
            continue
