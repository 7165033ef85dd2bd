"""The recorder of events: nobody waits for it, and no failure of its own is anybody's."""

import threading
from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.infra.observability import metrics
from app.infra.observability.buffered_writer import STORED_AT_ONCE, Bounds, BufferedWriter
from app.linking import event_recorder
from app.linking.attempt_events import Counted, Key, Kind, Note
from app.linking.event_recorder import MOST_KEYS, EventRecorder
from app.linking.models import AttemptEvent
from app.services.container import Services
from tests.installation import NOON

Written = list[Mapping[Key, Counted]]


def note(reference: str = "q3m9-7d2k", *, seconds: int = 0, detail: str = "") -> Note:
    at = NOON + timedelta(seconds=seconds)
    return Note(reference=reference, kind=Kind.GATE_FULL, at=at, detail=detail)


def test_notes_of_one_key_are_one_row_and_stored_together() -> None:
    written: Written = []
    recorder = EventRecorder(written.append)
    for seconds in range(3):
        recorder.note(note(seconds=seconds))
    recorder.note(note("another0"))
    recorder.close()

    stored = {key: counted for events in written for key, counted in events.items()}
    assert 4 == sum(counted.times for events in written for counted in events.values())
    assert note(seconds=2) == stored[note().key].last
    assert {note().key, note("another0").key} == stored.keys()


def test_a_note_does_not_wait_for_the_database() -> None:
    """A person is answered while the row of their obstacle is still being written."""
    is_writing, may_go_on = threading.Event(), threading.Event()

    def write(_: Mapping[Key, Counted]) -> None:
        is_writing.set()
        assert may_go_on.wait(timeout=60)

    recorder = EventRecorder(write)
    recorder.note(note())
    assert is_writing.wait(timeout=60)
    recorder.note(note("another0"))
    may_go_on.set()
    recorder.close()


def test_a_note_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request must not fail because its failure cannot be noted."""
    monkeypatch.setattr(threading.Thread, "start", _raise)
    recorder = EventRecorder(lambda _: None)

    recorder.note(note())

    assert recorder.close() is None  # type: ignore[func-returns-value]  # it does not raise either


def test_what_the_database_does_not_take_is_kept_for_a_minute() -> None:
    """Then it is dropped, counted and said in the log."""
    now, written = [0.0], Written()
    is_away = True

    def write(events: Mapping[Key, Counted]) -> None:
        if is_away:
            raise ConnectionError("secret words of the driver")
        written.append(events)

    lost: list[int] = []
    buffer: BufferedWriter[Key, Counted] = BufferedWriter(
        write,
        Counted.and_,
        name="test",
        failed=event_recorder._log_failure,  # noqa: SLF001
        bounds=Bounds(keys=MOST_KEYS, keep_s=60),
        lost=lost.append,
        pause_s=3600,
        monotonic=lambda: now[0],
    )
    buffer._thread = threading.current_thread()  # noqa: SLF001 - the test flushes
    buffer.add(note().key, Counted.one(note()))
    now[0] = 59
    with capture_logs() as said:
        buffer.flush()
    buffer.add(note("another0").key, Counted.one(note("another0")))
    assert [] == lost
    now[0] = 60
    buffer.flush()
    assert [1] == lost
    is_away = False
    buffer.flush()

    assert [{note("another0").key}] == [set(events) for events in written]
    (line,) = said
    assert "attempt.events_not_written" == line["event"]
    assert "secret words" not in str(line)


def test_lost_events_are_counted_and_logged() -> None:
    before = _lost()

    with capture_logs() as said:
        event_recorder._report_lost(3)  # noqa: SLF001

    (line,) = said
    assert ("attempt.events_lost", 3) == (line["event"], line["count"])
    assert before + 3 == _lost()


def test_a_flood_fills_no_memory() -> None:
    """However many keys come while the database is away, a thousand are kept."""
    written: Written = []
    is_away = True

    def write(events: Mapping[Key, Counted]) -> None:
        if is_away:
            raise ConnectionError
        written.append(events)

    recorder = EventRecorder(write, pause_s=3600)
    for number in range(2 * MOST_KEYS):
        recorder.note(note(f"{number:09}"))
    is_away = False
    recorder.close()

    assert MOST_KEYS >= sum(map(len, written)) > 0
    # SQLite takes 32,766 values in a statement.
    assert STORED_AT_ONCE >= max(map(len, written))


def test_odd_words_and_numbers_hold_up_no_other_row(services: Services) -> None:
    """PostgreSQL refuses a NUL, a lone surrogate, and a number of more than 32 bits."""
    odd = Note(
        reference="q3m9-7d2k",
        kind=Kind.GRAPH_FAILED,
        at=NOON,
        subject="x" * 200,
        code=10**12,
        detail="\0 \ud800",
    )
    services.events.note(odd)
    services.events.note(note("another0"))
    services.close()

    assert {"q3m9-7d2k", "another0"} == set(services.read(_references))


def test_the_services_store_what_was_noted_at_their_end(services: Services) -> None:
    services.events.note(note(detail="busy"))
    services.close()

    assert ["q3m9-7d2k"] == services.read(_references)


def _references(session: Session) -> list[str]:
    return list(session.scalars(select(AttemptEvent.reference)))


def _lost() -> float:
    words = metrics.exposition(()).decode()
    (line,) = (
        line for line in words.splitlines() if line.startswith("threadlink_attempt_events_lost_t")
    )
    return float(line.split()[1])


def _raise() -> None:
    raise RuntimeError("can't start new thread")
