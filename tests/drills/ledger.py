"""A ledger of what was acknowledged, kept outside of the server, and the audit after its death.

Only what was answered 200 is written down; what nobody answered is sent again, as by Messenger.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
from sqlalchemy import URL, text

from app.database import make_engine
from app.messenger.types import Psid
from tests.actors import Messenger, message, unlinked
from tests.browsers import OverSockets
from tests.installation import NOON
from tests.shipped import Shipped

CLIENTS = 8
SWITCHED_OFF = (requests.ConnectionError, requests.Timeout)


@dataclass(frozen=True, slots=True)
class Audit:
    """What was acknowledged, and what of it the database does not hold."""

    acknowledged: int
    lost: frozenset[str]


@dataclass(slots=True)
class Ledger:
    """The acknowledged events, by the PSID that only one of them has."""

    log_outs: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    _unanswered: list[int] = field(default_factory=list)
    _next: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def one_more(self, messenger: Messenger) -> None:
        """Post one event, now of this kind and now of that, and write down its acknowledgement."""
        number = self._number()
        psid = psid_of(number)
        is_message = number % 2 == 0
        event = message(psid, "hello", NOON) if is_message else unlinked(psid, NOON)
        try:
            answer = messenger.tells(event)
        except SWITCHED_OFF:
            self._unanswered.append(number)
            raise
        with self._lock:
            self.statuses.add(answer.status)
            if answer.status == 200:
                (self.messages if is_message else self.log_outs).add(psid)

    def _number(self) -> int:
        with self._lock:
            if self._unanswered:
                return self._unanswered.pop()
            self._next += 1
            return self._next

    def audit(self, database: URL) -> Audit:
        """Compare with what *database* holds: history of log-outs, outbox rows of messages."""
        engine = make_engine(database)
        with engine.connect() as connection:
            history = set(connection.scalars(text("SELECT psid FROM link_event")))
            bodies = b"".join(connection.scalars(text("SELECT body FROM outbox")))
            if engine.dialect.name == "sqlite":
                assert "ok" == connection.scalar(text("PRAGMA integrity_check"))
        engine.dispose()
        lost = (self.log_outs - history) | {p for p in self.messages if p.encode() not in bodies}
        return Audit(len(self.log_outs) + len(self.messages), frozenset(lost))


def psid_of(number: int) -> Psid:
    """Return who the event of *number* is about: a log-out if it is odd, else a message."""
    return Psid(f"7{number:015d}")


@contextmanager
def load_on(shipped: Shipped, ledger: Ledger, *, clients: int = CLIENTS) -> Iterator[None]:
    """Keep *clients* posting until the block ends; whoever loses the server just tries again."""
    over = threading.Event()

    def client() -> None:
        browser = OverSockets(shipped.origin)
        while not over.is_set():
            try:
                ledger.one_more(Messenger(browser))
            except SWITCHED_OFF:
                over.wait(0.01)
        browser.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def kill(process: subprocess.Popen[bytes]) -> None:
    """End *process* and all that came of it at once, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(ledger: Ledger, more: int) -> None:
    """Wait until so many *more* events have been acknowledged."""
    tick = threading.Event()
    wanted = len(ledger.log_outs) + len(ledger.messages) + more
    while len(ledger.log_outs) + len(ledger.messages) < wanted:
        tick.wait(0.005)
