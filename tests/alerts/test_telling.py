"""Each fault is told once, and once more when it is over, whichever worker sees it (R143)."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import URL, Engine, select
from sqlalchemy.orm import Session

from app.alerts import telling
from app.alerts.bodies import JSON, SLACK, Form
from app.alerts.fault import MOST_TEXT, Fault, FaultKey
from app.alerts.models import FaultRow
from app.infra.database.engine import make_engine
from app.infra.database.writer import Writer
from app.outbox.models import OutboxRow
from tests.installation import NOON, PAGE

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WORKERS = 10
LATE = Fault(FaultKey("outbox_late:notice"), "The outbox is late", "threadlink outbox status")
TOKEN = Fault(FaultKey("meta:token", PAGE), "Token of page: is not valid", "a new one")


@pytest.fixture
def engine(database: URL) -> Iterator[Engine]:
    engine = make_engine(database, pool_size=WORKERS)
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine: Engine) -> Iterator[Writer]:
    writer = Writer(engine)
    yield writer
    writer.close()


class Worker:
    """A worker that records what it sees, and tells in one form."""

    def __init__(self, writer: Writer, form: str = JSON) -> None:
        self.writer, self.form = writer, Form(form)

    def sees(self, *found: Fault, over: tuple[Fault, ...] = (), at: datetime) -> None:
        keys = [fault.key for fault in over]
        pending = [each.key for each in self.writer.read(telling.kept) if each.is_untold]
        self.writer.write(telling.record, found, keys, form=self.form, at=at, but_pending=pending)


def alerts(writer: Writer) -> list[tuple[str, str]]:
    """Return type and cause of the alerts in the outbox, in the order in which they were added."""
    bodies = [json.loads(body) for body in _bodies(writer)]
    return [(body["type"], body["data"]["cause"]) for body in bodies]


def _bodies(writer: Writer) -> list[bytes]:
    rows = select(OutboxRow.body).where(OutboxRow.kind == "alert").order_by(OutboxRow.id)
    return writer.read(lambda session: list(session.scalars(rows)))


def test_each_is_told_once_and_its_end_once(writer: Writer) -> None:
    """R143."""
    worker = Worker(writer)
    for minute in range(3):
        worker.sees(LATE, TOKEN, at=NOON + minute * MINUTE)
    for minute in range(3, 6):
        worker.sees(over=(LATE,), at=NOON + minute * MINUTE)

    assert [
        ("fault.found", "meta:token"),
        ("fault.found", "outbox_late:notice"),
        ("fault.over", "outbox_late:notice"),
    ] == alerts(writer)


def test_one_cause_is_told_for_each_page(writer: Writer) -> None:
    other = Fault(FaultKey("meta:token", "2817527131834679"), "Token: is not valid", "a new one")

    Worker(writer).sees(TOKEN, other, at=NOON)

    pages = [json.loads(body)["data"]["page_id"] for body in _bodies(writer)]
    assert [PAGE, "2817527131834679"] == pages


def test_what_comes_and_goes_is_told_once_an_hour_and_how_it_is_at_last(writer: Writer) -> None:
    worker = Worker(writer)
    for minute in range(0, 40, 2):
        worker.sees(LATE, at=NOON + minute * MINUTE)
        worker.sees(over=(LATE,), at=NOON + (minute + 1) * MINUTE)
    worker.sees(LATE, at=NOON + 41 * MINUTE)
    of_the_first_hour = alerts(writer)
    worker.sees(LATE, at=NOON + HOUR)
    worker.sees(over=(LATE,), at=NOON + HOUR)
    worker.sees(at=NOON + HOUR + MINUTE)

    assert ["fault.found", "fault.over"] == [kind for kind, _ in of_the_first_hour]
    assert ["fault.found", "fault.over"] == [kind for kind, _ in alerts(writer)[2:]]


def test_a_fault_that_ended_within_its_pause_is_not_told_late(writer: Writer) -> None:
    worker = Worker(writer)
    worker.sees(LATE, at=NOON)
    worker.sees(over=(LATE,), at=NOON + MINUTE)
    worker.sees(LATE, at=NOON + 2 * MINUTE)
    worker.sees(over=(LATE,), at=NOON + 3 * MINUTE)

    worker.sees(at=NOON + 2 * HOUR)

    assert 2 == len(alerts(writer))


def test_a_clock_that_was_set_back_silences_nobody(writer: Writer) -> None:
    """R123."""
    worker = Worker(writer)
    worker.sees(LATE, at=NOON)
    worker.sees(over=(LATE,), at=NOON)
    worker.sees(LATE, at=NOON - 2 * HOUR)

    assert 3 == len(alerts(writer))


def test_two_alike_texts_for_a_chat_are_two_messages(writer: Writer) -> None:
    """They hold no time, and what was done is remembered by its body."""
    worker = Worker(writer, SLACK)
    for hours in range(2):
        worker.sees(LATE, at=NOON + hours * HOUR)
        worker.sees(over=(LATE,), at=NOON + hours * HOUR)

    bodies = _bodies(writer)
    assert (4, 2) == (len(bodies), len(set(bodies)))


def test_of_many_workers_one_tells(engine: Engine, writer: Writer) -> None:
    """R118: all see the fault at once, with connections of their own, and its end."""

    def at_once(*found: Fault, over: tuple[Fault, ...] = ()) -> None:
        with ThreadPoolExecutor(WORKERS) as threads:
            list(threads.map(lambda _: _record(engine, found, over), range(WORKERS)))

    at_once(LATE, TOKEN)
    at_once(over=(LATE, TOKEN))
    Worker(writer).sees(at=NOON + MINUTE)

    assert 2 * ["fault.found"] + 2 * ["fault.over"] == [kind for kind, _ in alerts(writer)]


def _record(engine: Engine, found: tuple[Fault, ...], over: tuple[Fault, ...]) -> None:
    # Past the one writer of a process, as workers of several are.
    with Session(engine) as session:
        keys = [fault.key for fault in over]
        telling.record(session, found, keys, form=Form(JSON), at=NOON)
        session.commit()


def test_what_is_over_for_a_day_is_forgotten(writer: Writer) -> None:
    worker = Worker(writer)
    worker.sees(LATE, TOKEN, at=NOON)
    worker.sees(over=(LATE,), at=NOON)

    writer.write(telling.forget, at=NOON + 25 * HOUR)

    kept = writer.read(lambda session: list(session.scalars(select(FaultRow.cause))))
    assert ["meta:token"] == kept


def test_a_text_of_any_length_is_one_line_that_can_be_stored(writer: Writer) -> None:
    """R82: names in it are of strangers."""
    long = Fault(TOKEN.key, "Page \x1b[31m\u202eevil\n" + 1000 * "x", "a\nb")

    Worker(writer).sees(long, at=NOON)

    (body,) = _bodies(writer)
    data = json.loads(body)["data"]
    assert MOST_TEXT == len(data["sentence"])
    assert "a b" == data["fix"]
    assert data["sentence"].isprintable()
