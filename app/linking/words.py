"""Facts of an attempt in words: times, numbers, codes, limits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.linking.models import AttemptEvent

_TIMES: Final = {1: "once", 2: "twice"}
_LIMITS: Final[Mapping[str, str]] = {
    "pair": "with this name from this network",
    "person": "by this Messenger profile",
    "address": "from this network",
    "identifier": "with this name",
    "departures": "at providers from this network",
    "opens": "to open the page from this address",
    "opensnet": "to open the page from this network",
    "tokens": "with old log-ins from this address",
    "tokensnet": "with old log-ins from this network",
    "pagesignin": "on pages that open without Messenger, from this address",
    "digits": "of codes for this Messenger profile",
    "keys": "with wrong API keys from this network",
}


def times(number: int) -> str:
    """Return *number* of times: "once", "3 times"."""
    return _TIMES.get(number, f"{number} times")


def deliveries(number: int) -> str:
    """Return *number* of deliveries."""
    return "1 delivery" if number == 1 else f"{number} deliveries"


def clock_time(at: datetime | None) -> str:
    """Return the time of day of *at*, in UTC."""
    return f"{at:%H:%M:%S} UTC" if at else "some minutes later"


def limit(name: str) -> str:
    """Return which tries the rate limit *name* counts."""
    return _LIMITS.get(name, f"({name})" if name else "of one kind")


def code(event: AttemptEvent) -> str:
    """Return the codes of *event*, or why it has none."""
    if not event.code:
        return event.detail or "no code"
    subcode = f", subcode {event.subcode}" if event.subcode else ""
    return f"code {event.code}{subcode}"
