"""/readyz: what it tells, and what it costs, whoever asks and whatever waits."""

import json
import resource
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.infra.stalls import STALLED_AFTER
from app.linking.graph_unlink import enqueue_unlink
from app.outbox import heartbeats, queue
from app.outbox.bot_webhooks import DELIVERY
from app.outbox.circuit_breaker import Cause, OpenCircuit
from app.outbox.queue import Lane, LaneKey, enqueue_once
from app.services.container import Services
from app.web.monitoring import health
from app.web.remembered import Remembered
from tests.browsers import InProcess
from tests.conftest import on_sqlite
from tests.installation import ANA, PAGE


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server remember nothing: it is asked again and again within a moment."""
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", 0.0)


@pytest.mark.usefixtures("forgetful")
def test_a_queue_that_is_late_leaves_the_server_ready(
    services: Services, client: InProcess
) -> None:
    """R124: monitoring must show it, but people can still link."""
    assert b'"queue":"ok"' in client("GET", "/readyz").body
    services.write(enqueue_unlink, PAGE, ANA, at=clock.now() - timedelta(minutes=10))

    answer = client("GET", "/readyz")

    assert 200 == answer.status
    assert b'"queue":"late"' in answer.body
    (overdue,) = json.loads(answer.body)["overdue"]
    assert ("graph.unlink", "no worker runs") == (overdue["kind"], overdue["why"])


@pytest.mark.usefixtures("forgetful")
def test_a_retry_that_waits_for_its_time_is_not_late(services: Services, client: InProcess) -> None:
    """R100, R124: a bot that refuses one kind of delivery, and takes all others, is no fault."""
    hour, now = timedelta(hours=1), clock.now()
    services.write(enqueue_once, DELIVERY, b"refused", at=now - 9 * hour)
    key = LaneKey(DELIVERY, Lane.FRESH)
    (claim,) = services.write(queue.claim, key, limit=1, lease=hour, at=now - 9 * hour)
    services.write(queue.postpone, claim, failure="status 500", until=now + hour)

    assert b'"queue":"ok"' in client("GET", "/readyz").body
    services.write(queue.postpone, claim, failure="status 500", until=now - hour)
    assert b'"queue":"late"' in client("GET", "/readyz").body


@pytest.mark.usefixtures("forgetful")
def test_the_reason_is_told_and_nothing_else(services: Services, client: InProcess) -> None:
    """R124: neither an address nor a person is named, whoever asks."""
    now = clock.now()
    services.write(enqueue_once, DELIVERY, ANA.encode(), at=now)
    since = now - timedelta(minutes=10)
    circuit = OpenCircuit(DELIVERY, since, Cause.UNREACHABLE, "NewConnectionError")
    services.write(heartbeats.record_heartbeat, "w", [circuit], at=now)

    answer = client("GET", "/readyz")

    assert 200 == answer.status
    assert {
        "kind": "delivery",
        "since": since.isoformat(timespec="seconds"),
        "why": "the target takes nothing: there is no connection to it (NewConnectionError)",
    } == json.loads(answer.body)["overdue"][0]
    assert ANA.encode() not in answer.body


@on_sqlite
@pytest.mark.usefixtures("forgetful")
def test_a_full_disk_makes_the_server_unready(services: Services, client: InProcess) -> None:
    """R119, R124: reads still work on a full disk; and with space the server is ready again."""
    path = Path(str(services.engine.url.database))
    before = client("GET", "/readyz")
    # SQLite appends its writes to the write-ahead log, which cannot grow.
    with nothing_longer_than(path.with_name(f"{path.name}-wal").stat().st_size):
        full = [client("GET", path).status for path in ("/readyz", "/healthz")]
    free = client("GET", "/readyz")

    assert 200 == before.status
    assert [503, 200] == full
    assert 200 == free.status


def test_many_strangers_cost_one_write(client: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """R124: /readyz is open to anybody, and each write would be a commit to the disk."""
    writes: list[Session] = []
    monkeypatch.setattr(health, "_try_writing", writes.append)

    statuses = {client("GET", "/readyz").status for _ in range(20)}

    assert {200} == statuses
    assert 1 == len(writes)


def test_a_database_that_takes_no_writes_is_asked_once_as_well(
    client: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R124: each try may take three seconds, and the threads are needed for people."""
    tries: list[Session] = []

    def fail(session: Session) -> None:
        tries.append(session)
        raise NotCommitted("a name of ours that nobody is to see")

    monkeypatch.setattr(health, "_try_writing", fail)

    answers = [client("GET", "/readyz") for _ in range(5)]

    assert {(503, b'{"error":"database_busy"}\n')} == {(each.status, each.body) for each in answers}
    assert 1 == len(tries)


def test_liveness_ends_with_the_loops_of_the_process(services: Services, client: InProcess) -> None:
    """A writer that hangs answers nobody, while everything else of the process looks well."""
    writer = services.writer.pulse
    writer.moved_at = time.monotonic() - 2 * STALLED_AFTER
    hanging = client("GET", "/healthz")
    writer.rest()
    again = client("GET", "/healthz")

    assert (503, b'{"status":"stalled"}\n') == (hanging.status, hanging.body)
    assert (200, b'{"status":"ok"}\n') == (again.status, again.body)


def test_an_answer_is_found_out_again_when_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = [100.0], list[float]()
    monkeypatch.setattr("app.web.remembered.time.monotonic", lambda: now[0])

    def ask() -> float:
        asked.append(now[0])
        return now[0]

    remembered = Remembered(ask, 3.0)
    answers = []
    for now[0] in (100.0, 102.9, 103.0, 105.9):
        answers.append(remembered())

    assert [100.0, 100.0, 103.0, 103.0] == answers
    assert [100.0, 103.0] == asked


def test_those_who_come_while_it_is_asked_again_do_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R124: a database that hangs has one of them occupy a thread, not all."""
    now, begun, go_on = [100.0], threading.Event(), threading.Event()
    monkeypatch.setattr("app.web.remembered.time.monotonic", lambda: now[0])
    answers = iter(["before", "after"])

    def ask() -> str:
        if now[0] > 100:
            begun.set()
            go_on.wait(30)
        return next(answers)

    remembered = Remembered(ask, 3.0)
    remembered()
    now[0] = 200.0
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(remembered)
        begun.wait(30)
        meanwhile = [remembered() for _ in range(3)]
        go_on.set()

        assert ["before"] * 3 == meanwhile
        assert "after" == first.result(30)
    assert "after" == remembered()


def test_those_who_come_meanwhile_get_the_same_answer() -> None:
    begun, go_on, asked = threading.Event(), threading.Event(), list[int]()

    def ask() -> int:
        asked.append(1)
        begun.set()
        go_on.wait(30)
        return len(asked)

    remembered = Remembered(ask, 3.0)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(remembered)
        begun.wait(30)
        others = [pool.submit(remembered) for _ in range(3)]
        go_on.set()
        answers = [each.result(30) for each in (first, *others)]

    assert [1, 1, 1, 1] == answers


@contextmanager
def nothing_longer_than(size: int) -> Iterator[None]:
    """Limit the files that this process writes to *size* bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
