"""How long things are kept is the operator's to say, within what the program needs (R112)."""

from datetime import timedelta

import pytest

from app.infra.settings.parsing import Reader
from app.infra.settings.retention import read_retention

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_without_a_word_it_is_as_designed() -> None:
    """R112, design §4."""
    keep = read_retention(Reader({}))

    assert (24 * HOUR, 30 * DAY) == (keep.attempts, keep.codes)
    assert (24 * HOUR, 1024**3) == (keep.deliveries, keep.deliveries_bytes)
    assert (30 * DAY, 365 * DAY) == (keep.dead_letters, keep.history)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("KEEP_ATTEMPTS_HOURS", "0"),
        # Messenger repeats what it could not deliver for 36 hours: the code must still be known.
        ("KEEP_CODES_DAYS", "1"),
        ("KEEP_DELIVERIES_HOURS", "169"),
        ("KEEP_DELIVERIES_MIB", "0"),
        # R99: dead letters are kept for 30 days and more.
        ("KEEP_DEAD_LETTERS_DAYS", "29"),
        ("KEEP_HISTORY_DAYS", "for ever"),
    ],
)
def test_what_would_break_a_promise_stops_the_start(name: str, text: str) -> None:
    reader = Reader({name: text})

    read_retention(reader)

    assert [name] == [fault.partition(" ")[0] for fault in reader.errors]
