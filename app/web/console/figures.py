"""Figures in words: shares, ages, queues."""

from datetime import timedelta
from typing import Final

from app.outbox.inspection import COUNTED_UP_TO, QueueStats
from app.outbox.queue import Lane

_LANES: Final = {Lane.FRESH: "never tried", Lane.RETRIES: "failed, tried again", None: "dead"}
_MANY_MINUTES: Final = 120
_MANY_HOURS: Final = 48


def share(number: int, of: int) -> str:
    """Return *number* as a share of *of*, as the commands print it."""
    return f"{100 * number / of:.0f} %" if of else "–"


def count_name(number: int) -> str:
    """Return a *number* of items, which are counted up to ten thousand."""
    return f"{number:,}" + (" or more" if number >= COUNTED_UP_TO else "")


def queue_name(queue: QueueStats) -> str:
    """Return the state of the items in *queue*."""
    return _LANES[queue.lane]


def age(time: timedelta) -> str:
    """Return an age in minutes, hours or days."""
    minutes = max(0, int(time.total_seconds() // 60))
    if minutes < _MANY_MINUTES:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < _MANY_HOURS else f"{hours // 24} days"
