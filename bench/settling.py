"""The cost of noting an event of an attempt, and the attempts a second that the worker settles."""

import time
from collections.abc import Mapping

from app.infra import clock
from app.infra.database.portions import in_portions
from app.linking import settling
from app.linking.attempt_events import Kind, Note
from app.linking.event_recorder import EventRecorder
from app.services.container import build
from app.services.settings import settings_from_env

NOTES = 200_000
# More are merged by their key, as those of one attempt are.
KEYS = 500


def note() -> dict[str, float]:
    """Return the microseconds that a request waits for a note."""
    recorder = EventRecorder(lambda _: None)
    at = clock.now()
    notes = [
        Note(reference=f"ref-{number}", kind=Kind.PAGE_SHOWN, at=at, subject="sign_in")
        for number in range(KEYS)
    ]
    begun = time.perf_counter()
    for number in range(NOTES):
        recorder.note(notes[number % KEYS])
    took = time.perf_counter() - begun
    recorder.close()
    return {"note_us": round(took / NOTES * 1e6, 2)}


def settle(env: Mapping[str, str], attempts: int) -> dict[str, float]:
    """Return how many of the unsettled *attempts* in the database of *env* are settled a second."""
    services = build(settings_from_env(env))
    begun = time.perf_counter()
    settled = sum(in_portions(services.writer, settling.unsettled(clock.now())))
    took = time.perf_counter() - begun
    services.close()
    if settled < attempts // 3:
        raise RuntimeError(f"only {settled} of {attempts} were settled")
    return {"settled_s": round(settled / took), "settled": settled}
