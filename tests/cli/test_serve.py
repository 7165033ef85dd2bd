"""`threadlink serve` as a process: its start, its end, and requests in between."""

import json
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
from tests.installation import ANA, NOON, PAGE
from tests.messenger.loopback import peer


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


def _wait_until_it_accepts_nothing(server: shipped.Shipped) -> None:
    while True:
        try:
            server.connect().close()
        except ConnectionRefusedError:
            return
        except (ConnectionResetError, subprocess.TimeoutExpired):
            continue
