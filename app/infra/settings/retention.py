"""How long what is over is kept (design §4): a setting for each line, done by the worker."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.infra.settings.parsing import Reader, whole

MIB: Final = 1024**2
# A year and its leap day, ten times.
MOST_DAYS: Final = 3660


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What is older than this goes. `.env.example` explains each."""

    attempts: timedelta
    codes: timedelta
    deliveries: timedelta
    deliveries_bytes: int
    dead_letters: timedelta
    history: timedelta


def read_retention(reader: Reader) -> Retention:
    """Return how long each kind of row is kept.

    The least are what the program itself needs: the 36 hours for which Messenger may repeat an
    event, and the 30 days that dead letters are promised (R99).
    """
    return Retention(
        attempts=timedelta(hours=reader.optional("KEEP_ATTEMPTS_HOURS", whole(1, 720), 24)),
        codes=timedelta(days=reader.optional("KEEP_CODES_DAYS", whole(2, 365), 30)),
        deliveries=timedelta(hours=reader.optional("KEEP_DELIVERIES_HOURS", whole(1, 168), 24)),
        deliveries_bytes=reader.optional("KEEP_DELIVERIES_MIB", whole(1, 1024**2), 1024) * MIB,
        dead_letters=timedelta(
            days=reader.optional("KEEP_DEAD_LETTERS_DAYS", whole(30, MOST_DAYS), 30)
        ),
        history=timedelta(days=reader.optional("KEEP_HISTORY_DAYS", whole(2, MOST_DAYS), 365)),
    )
