"""A bot that refuses some deliveries gets all the others within seconds (R100).

The cases are public bug reports about bots that answer 500 to what they do not know: botkit 264,
265 and 990, messenger-ruby 24, launch-vehicle-fbm 73.
"""

import json
import math
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
from tests.drills.arrivals import Arrivals
from tests.installation import ANA, BEN, PAGE

# `make drills` asks for a minute each; in the short form no time is judged.
SECONDS: Final = float(os.environ.get("DRILL_REFUSING_SECONDS", "3"))
TICK_SECONDS: Final = 0.05

Refuses = Callable[[Received], bool]


def _is_feed(received: Received) -> bool:
    return any("messaging" not in entry for entry in json.loads(received.body)["entry"])


def _is_anas(received: Received) -> bool:
    return ANA.encode() in received.body


def feed(number: int) -> bytes:
    """Return a delivery without `messaging`: the reaction *number* to a post."""
    change = {"field": "feed", "value": {"item": "reaction", "verb": "add", "number": number}}
    entry = {"id": PAGE, "time": number, "changes": [change]}
    return json.dumps({"object": "page", "entry": [entry]}).encode()


def _from_ana(number: int) -> bytes:
    return delivery(message(ANA, f"refused {number}", clock.now()))


@dataclass(frozen=True, slots=True)
class Case:
    """The deliveries that a bot *refuses*, how many wait at the start, and its answer.

    A *status* of 0 is no answer, and None a broken connection. A refused delivery comes every
    *refused_s* seconds, a message every *message_s*.
    """

    refuses: Refuses
    refused: Callable[[int], bytes]
    status: int | None = 500
    headers: Mapping[str, str] | None = None
    at_start: int = 0
    refused_s: float = 0.2
    message_s: float = 2.0


CASES: Final = {
    "feed": Case(_is_feed, feed),
    "feed, 200 before the first message": Case(_is_feed, feed, at_start=200),
    "one person's messages": Case(_is_anas, _from_ana),
    "feed, by 429 and an hour": Case(_is_feed, feed, 429, {"Retry-After": "3600"}),
    "feed, by 502": Case(_is_feed, feed, 502),
    # Sixteen tries of fifteen seconds go on at once. What hangs more than once a second, as in the
    # other cases, holds up everything behind it, in whatever order it is tried.
    "feed, by no answer": Case(_is_feed, feed, 0, refused_s=2),
    "feed, by a broken connection": Case(_is_feed, feed, None),
    # As in the reports: what is refused comes seldom, and comes first.
    "feed every 2 s, a message every 10 s": Case(_is_feed, feed, refused_s=2, message_s=10),
    "8 feed, silence, a message": Case(
        _is_feed, feed, at_start=8, refused_s=math.inf, message_s=SECONDS * 1.5
    ),
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
        # Else the worker stays for the fifteen seconds that it gives a bot to answer.
        bot.is_over.set()

    longest = max(waited)
    print(f"\n{name}: {len(waited)} messages, each within {longest:.1f} s")  # noqa: T201 - figures
    if SECONDS >= timedelta(minutes=1).total_seconds():
        assert longest <= 10


def _answer(bot: Bot, case: Case, taken: Arrivals, received: Received) -> Reply | None:
    if not case.refuses(received):
        taken.add(received.body)
        return Reply()
    if case.status is None:
        return None
    if not case.status:
        bot.is_over.wait()
    return Reply(case.status, case.headers or {})


def _post_both(messenger: Messenger, case: Case) -> dict[bytes, float]:
    """Post refused deliveries and messages side by side; return when each message was posted."""
    posted: dict[bytes, float] = {}
    begun_at = time.monotonic()
    number, next_refused = case.at_start, 0.0 if case.refused_s < SECONDS else math.inf
    message_s = min(case.message_s, SECONDS)
    next_message = message_s / 2
    tick = threading.Event()
    while (elapsed := time.monotonic() - begun_at) < SECONDS:
        if elapsed >= next_refused:
            number += 1
            next_refused += case.refused_s
            assert 200 == messenger.posts(case.refused(number)).status
        if elapsed >= next_message:
            next_message += message_s
            body = delivery(message(BEN, f"message {len(posted)}", clock.now()))
            posted[body] = time.monotonic()
            assert 200 == messenger.posts(body).status
        tick.wait(TICK_SECONDS)
    return posted
