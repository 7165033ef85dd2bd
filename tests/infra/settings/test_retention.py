"""The settings of retention: their defaults and their limits (R112)."""

from datetime import timedelta

import pytest

from app.infra.settings.reader import Reader
from app.infra.settings.retention import read_retention

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_the_defaults() -> None:
    """R112."""
    retention = read_retention(Reader({}))

    assert (24 * HOUR, 30 * DAY) == (retention.attempts, retention.codes)
    assert (24 * HOUR, 1024**3) == (retention.deliveries, retention.deliveries_bytes)
    assert (30 * DAY, 365 * DAY) == (retention.dead_letters, retention.history)
    assert 7 * DAY == retention.resume


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("KEEP_ATTEMPTS_HOURS", "0"),
        # Messenger repeats an event for 36 hours: the code must still be known.
        ("KEEP_CODES_DAYS", "1"),
        ("KEEP_RESUME_DAYS", "31"),
        ("KEEP_DELIVERIES_HOURS", "169"),
        ("KEEP_DELIVERIES_MIB", "0"),
        # R99: dead letters are kept for 30 days and more.
        ("KEEP_DEAD_LETTERS_DAYS", "29"),
        ("KEEP_HISTORY_DAYS", "for ever"),
        ("KEEP_STATISTICS_DAYS", "29"),
    ],
)
def test_a_value_that_is_too_small_or_too_large_stops_the_start(name: str, text: str) -> None:
    reader = Reader({name: text})

    read_retention(reader)

    assert [name] == [error.partition(" ")[0] for error in reader.errors]
