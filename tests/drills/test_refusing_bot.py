"""A bot that refuses some deliveries gets all the others within seconds (R100).

The cases are public bug reports about bots that answer 500 to what they do not know: botkit 264,
265 and 990, messenger-ruby 24, launch-vehicle-fbm 73.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import URL

from app.infra import clock
from tests import bot as bots
from tests import shipped
from tests.actors import Messenger, delivery, message
from tests.bot import Bot, Received, Reply
from tests.browsers import OverSockets
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, PAGE

# `make drills` asks for a minute each; in the short form no time is judged.
SECONDS: Final = float(os.environ.get("DRILL_REFUSING_SECONDS", "3"))
REFUSED_EVERY: Final = 0.2
MESSAGE_EVERY: Final = 2.0
PATIENCE_SECONDS: Final = 30

Refuses = Callable[[Received], bool]


def _is_feed(received: Received) -> bool:
    return any("messaging" not in entry for entry in json.loads(received.body)["entry"])


def _is_anas(received: Received) -> bool:
    return ANA.encode() in received.body


def _feed(number: int) -> bytes:
    change = {"field": "feed", "value": {"item": "reaction", "verb": "add", "number": number}}
    entry = {"id": PAGE, "time": number, "changes": [change]}
    return json.dumps({"object": "page", "entry": [entry]}).encode()


def _from_ana(number: int) -> bytes:
    return delivery(message(ANA, f"refused {number}", clock.now()))


@dataclass(frozen=True, slots=True)
class Case:
    """The deliveries that a bot *refuses*, how many wait at the start, and its answer."""

    refuses: Refuses
    refused: Callable[[int], bytes]
    status: int = 500
    headers: Mapping[str, str] | None = None
    at_start: int = 0


CASES: Final = {
    "feed": Case(_is_feed, _feed),
    "feed, 200 before the first message": Case(_is_feed, _feed, at_start=200),
    "one person's messages": Case(_is_anas, _from_ana),
    "feed, by 429 and an hour": Case(_is_feed, _feed, 429, {"Retry-After": "3600"}),
    "feed, by 502": Case(_is_feed, _feed, 502),
    "feed, by no answer": Case(_is_feed, _feed, 0),
}


@pytest.fixture
def bot() -> Iterator[Bot]:
    with bots.running() as bot:
        yield bot


@on_sqlite
@pytest.mark.parametrize("name", CASES)
def test_what_a_bot_refuses_holds_up_nothing_that_it_takes(
    database: URL, bot: Bot, name: str
) -> None:
    """R97, R100: each message arrives, and the refused deliveries are kept for their retries."""
    case, taken = CASES[name], Arrivals()
    bot.reply = lambda received: _answer(bot, case, taken, received)
    with shipped.serving(database, BOT_MESSENGER_URL=f"{bot.url}/messenger") as server:
        messenger = Messenger(OverSockets(server.origin))
        for number in range(case.at_start):
            assert 200 == messenger.posts(case.refused(number)).status
        posted = _post_both(messenger, case)
        waited = taken.wait_for(posted)

    longest = max(waited)
    print(f"\n{name}: {len(waited)} messages, each within {longest:.1f} s")  # noqa: T201 - figures
    if SECONDS >= timedelta(minutes=1).total_seconds():
        assert longest <= 10


class Arrivals:
    """The times at which messages arrived, by their bodies."""

    def __init__(self) -> None:
        self._at: dict[bytes, float] = {}
        self._changed = threading.Condition()

    def add(self, body: bytes) -> None:
        with self._changed:
            self._at.setdefault(body, time.monotonic())
            self._changed.notify_all()

    def wait_for(self, posted: Mapping[bytes, float]) -> list[float]:
        """Return how many seconds each of *posted* took."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: posted.keys() <= self._at.keys(), PATIENCE_SECONDS
            )
            return [self._at[body] - at for body, at in posted.items()]


def _answer(bot: Bot, case: Case, taken: Arrivals, received: Received) -> Reply:
    if not case.refuses(received):
        taken.add(received.body)
        return Reply()
    if not case.status:
        bot.is_over.wait()
    return Reply(case.status, case.headers or {})


def _post_both(messenger: Messenger, case: Case) -> dict[bytes, float]:
    """Post refused deliveries and messages side by side; return when each message was posted."""
    posted: dict[bytes, float] = {}
    begun_at = time.monotonic()
    number, next_message = case.at_start, MESSAGE_EVERY / 2
    tick = threading.Event()
    while (elapsed := time.monotonic() - begun_at) < SECONDS:
        number += 1
        assert 200 == messenger.posts(case.refused(number)).status
        if elapsed >= next_message:
            next_message += MESSAGE_EVERY
            body = delivery(message(BEN, f"message {number}", clock.now()))
            posted[body] = time.monotonic()
            assert 200 == messenger.posts(body).status
        tick.wait(REFUSED_EVERY)
    return posted
