"""Messenger and a bot's look-ups, so many a second, over all servers; and what each was answered.

A delivery is repeated with the same bytes, at the next server, until it is answered 200.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from time import monotonic
from typing import Final

import requests

from app.infra import clock
from app.messenger.types import Psid
from tests.actors import Messenger, delivery, message
from tests.browsers import Browser, OverSockets
from tests.drills.acknowledgements import MESSAGE, Acknowledgements
from tests.drills.high_availability.waiting import PATIENCE_SECONDS, wait_until
from tests.drills.threads import going_on
from tests.installation import ANA, PAGE

# So many at once, that one which waits for three seconds does not keep the others.
DELIVERERS: Final = 25
ASKERS: Final = 5
REPEATED_AFTER_SECONDS: Final = 0.2
# For a server that is restarted, or closes a connection.
NO_ANSWER: Final = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: when it was sent (monotonic seconds), how long it took, and the status."""

    sent: float
    seconds: float
    status: int


@dataclass(slots=True)
class Load:
    """The requests by *ways*, each a new browser, and what was acknowledged."""

    ways: Sequence[Callable[[], Browser]]
    key: str
    deliveries_per_second: float = 50
    look_ups_per_second: float = 10
    # After it no delivery is repeated.
    patience_seconds: float = PATIENCE_SECONDS
    acks: Acknowledgements = field(default_factory=Acknowledgements)
    writes: list[Answered] = field(default_factory=list)
    reads: list[Answered] = field(default_factory=list)
    # Deliveries that were never acknowledged.
    abandoned: int = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Go on until the block ends, and then until every delivery has been acknowledged."""
        delivering = (partial(self._deliver, number) for number in range(DELIVERERS))
        asking = (partial(self._ask, number) for number in range(ASKERS))
        with going_on(*delivering, *asking):
            yield

    def wait_for(self, more: int) -> None:
        """Wait until so many more of each kind were answered 200."""
        for answers, wanted in ((self.writes, more), (self.reads, max(1, more // 5))):
            # Each is appended to alone.
            begin = len(answers)
            wait_until(lambda a=answers, b=begin, w=wanted: _good(a[b:]) >= w)  # type: ignore[misc]

    def wait_for_refusals(self, more: int = 1) -> None:
        """Wait until so many more writes were refused."""
        begin = len(self.writes)
        wait_until(lambda: sum(a.status != 200 for a in self.writes[begin:]) >= more)

    def acknowledged_since(self, at: float) -> int:
        """Return how many writes that were sent after the time *at* were answered 200."""
        return sum(a.status == 200 and a.sent > at for a in [*self.writes])

    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in (*self.writes, *self.reads))

    def _deliver(self, number: int, over: threading.Event) -> None:
        browsers = [way() for way in self.ways]
        for turn in _turns(number, DELIVERERS, self.deliveries_per_second, over):
            psid = Psid(f"7{turn:015d}")
            body = delivery(message(psid, "hello", clock.now()))
            limit = monotonic() + self.patience_seconds
            for place in count(turn):
                answered = _post(browsers[place % len(browsers)], body)
                self.writes.append(answered)
                if answered.status == 200:
                    self.acks.note(MESSAGE, psid, body)
                    break
                if monotonic() > limit:
                    self.abandoned += 1
                    break
                threading.Event().wait(REPEATED_AFTER_SECONDS)

    def _ask(self, number: int, over: threading.Event) -> None:
        browsers = [way() for way in self.ways]
        headers = {"Authorization": f"Bearer {self.key}"}
        for turn in _turns(number, ASKERS, self.look_ups_per_second, over):
            sent = monotonic()
            try:
                browser = browsers[turn % len(browsers)]
                status = browser("GET", f"/api/v1/links/{PAGE}/{ANA}", headers=headers).status
            except requests.RequestException:
                status = NO_ANSWER
            self.reads.append(Answered(sent, monotonic() - sent, status))


def straight(origins: Sequence[str]) -> list[Callable[[], Browser]]:
    """Return the ways to the servers at *origins* themselves."""
    return [partial(OverSockets, origin) for origin in origins]


def _turns(number: int, of: int, per_second: float, over: threading.Event) -> Iterator[int]:
    """Yield the numbers of what client *number* *of* so many is to do, each when it is due.

    What is late is not made up for.
    """
    due = monotonic() + number / per_second
    for turn in count(number, of):
        if over.wait(max(0.0, due - monotonic())):
            return
        yield turn
        due = max(due + of / per_second, monotonic())


def _post(browser: Browser, body: bytes) -> Answered:
    sent = monotonic()
    try:
        status = Messenger(browser).posts(body).status
    except requests.RequestException:
        status = NO_ANSWER
    return Answered(sent, monotonic() - sent, status)


def _good(answers: Sequence[Answered]) -> int:
    return sum(answer.status == 200 for answer in answers)
