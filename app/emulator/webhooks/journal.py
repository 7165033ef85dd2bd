"""Everything that passed between Messenger and the business, for the inspector to show."""

import re
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Literal

from app.emulator.faults.failures import Failure

Kind = Literal["webhook", "handshake", "graph", "browser", "privacy", "notice"]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer, kept whole: what is shown of it goes through `masked`."""

    kind: Kind
    title: str
    at: datetime
    method: str
    url: str
    headers: Headers = ()
    body: str = ""
    status: int | None = None
    answer_headers: Headers = ()
    answer: str = ""
    milliseconds: float = 0.0
    failure: Failure | None = None
    # What to look at when nothing follows: words for a developer.
    hint: str = ""
    # The names of the switches that had a hand in it.
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An exchange with its number in the journal; numbers rise."""

    number: int
    exchange: Exchange


class Journal:
    """The last exchanges, newest first. Safe to use from several threads."""

    def __init__(self, keep: int = 500) -> None:
        self._entries: deque[Entry] = deque(maxlen=keep)
        self._numbers = count(1)
        self._lock = threading.Lock()

    def add(self, exchange: Exchange) -> None:
        with self._lock:
            self._entries.appendleft(Entry(next(self._numbers), exchange))

    def clear(self) -> None:
        """Forget everything; numbers go on rising."""
        with self._lock:
            self._entries.clear()

    def entries(self, *, after: int = 0) -> list[Entry]:
        """Return the entries with a number above *after*, newest first."""
        with self._lock:
            return [entry for entry in self._entries if entry.number > after]

    def find(self, number: int) -> Entry | None:
        return next((entry for entry in self.entries() if entry.number == number), None)


_SECRETS = (
    "access_token|appsecret_proof|authorization_code|account_linking_token|input_token"
    "|verify_token|hub\\.verify_token|signed_request"
)
# One value after its name, wherever it stands: JSON, JSON in JSON, a query, a query in a query.
_NAME = rf"""(?:(?:{_SECRETS})(?:\\?"\s*:\s*\\?"|=|%3D)|Bearer\s+)"""
_VALUE = re.compile(rf"""(?P<name>{_NAME})(?P<value>(?:[^"&\s\\]|\\[^"])+)""", re.IGNORECASE)
_SHOWN = 4
_LONG_ENOUGH = 16


def masked(text: str) -> str:
    """Return *text* with tokens, proofs and codes cut to their first characters."""
    return _VALUE.sub(lambda found: found["name"] + _cut(found["value"]), text)


def _cut(value: str) -> str:
    return f"{value[:_SHOWN] if len(value) >= _LONG_ENOUGH else ''}•••"
