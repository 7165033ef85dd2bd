"""The journal: every request between Messenger and the business's server, for the inspector."""

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
    """A request and its answer, unabridged; the inspector masks secrets with `masked`."""

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
    # Advice for a developer when no further exchange follows.
    hint: str = ""
    # The names of the faults that changed it.
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An exchange with its number in the journal; numbers only rise."""

    number: int
    exchange: Exchange


class Journal:
    """The last exchanges, newest first. Thread-safe."""

    def __init__(self, keep: int = 500) -> None:
        self._entries: deque[Entry] = deque(maxlen=keep)
        self._numbers = count(1)
        self._lock = threading.Lock()

    def add(self, exchange: Exchange) -> None:
        with self._lock:
            self._entries.appendleft(Entry(next(self._numbers), exchange))

    def clear(self) -> None:
        """Remove every entry; numbers go on rising."""
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
# A name and its value in JSON, in JSON inside JSON, in a query, and in a query inside a query.
_NAME = rf"""(?:(?:{_SECRETS})(?:\\?"\s*:\s*\\?"|=|%3D)|Bearer\s+)"""
_VALUE = re.compile(rf"""(?P<name>{_NAME})(?P<value>(?:[^"&\s\\]|\\[^"])+)""", re.IGNORECASE)
_SHOWN = 4
_SHORTEST_PARTLY_SHOWN = 16


def masked(text: str) -> str:
    """Return *text* with every token, proof and code cut to its first characters."""
    return _VALUE.sub(lambda match: match["name"] + _cut(match["value"]), text)


def _cut(value: str) -> str:
    return f"{value[:_SHOWN] if len(value) >= _SHORTEST_PARTLY_SHOWN else ''}•••"
