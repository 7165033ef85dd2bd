"""Retention: the age at which each kind of row is deleted. The worker does it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.infra.settings.parsing import whole
from app.infra.settings.reader import Reader

MIB: Final = 1024**2
# Ten years.
MOST_DAYS: Final = 3660


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The age of the oldest rows that are kept, by kind; and the size of all deliveries."""

    attempts: timedelta
    # Without a code, of a person whom Messenger has named: never shorter than *attempts*.
    failed_attempts: timedelta
    codes: timedelta
    deliveries: timedelta
    deliveries_bytes: int
    dead_letters: timedelta
    history: timedelta
    statistics: timedelta
    # What operators did and looked at.
    audit: timedelta


def read_retention(reader: Reader) -> Retention:
    """Return the settings that begin with KEEP_.

    The least values are what the program itself needs: Meta repeats a webhook request for 36 hours
    (developers.facebook.com/docs/graph-api/webhooks/getting-started, read 2026-11), and dead
    letters are promised for 30 days (R99).
    """
    attempts = timedelta(hours=reader.optional("KEEP_ATTEMPTS_HOURS", whole(1, 720), 24))
    failed = timedelta(days=reader.optional("KEEP_FAILED_ATTEMPTS_DAYS", whole(1, 30), 7))
    return Retention(
        attempts=attempts,
        failed_attempts=max(attempts, failed),
        codes=timedelta(days=reader.optional("KEEP_CODES_DAYS", whole(2, 365), 30)),
        deliveries=timedelta(hours=reader.optional("KEEP_DELIVERIES_HOURS", whole(1, 168), 24)),
        deliveries_bytes=reader.optional("KEEP_DELIVERIES_MIB", whole(1, 1024**2), 1024) * MIB,
        dead_letters=timedelta(
            days=reader.optional("KEEP_DEAD_LETTERS_DAYS", whole(30, MOST_DAYS), 30)
        ),
        history=timedelta(days=reader.optional("KEEP_HISTORY_DAYS", whole(2, MOST_DAYS), 365)),
        statistics=timedelta(
            days=reader.optional("KEEP_STATISTICS_DAYS", whole(30, MOST_DAYS), 800)
        ),
        audit=timedelta(days=reader.optional("KEEP_AUDIT_DAYS", whole(30, MOST_DAYS), 400)),
    )
