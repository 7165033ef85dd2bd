"""A message reaches the bot within seconds, whatever waits for a retry (R97, R100).

`make drills` fills the outbox with 1 GiB; the short form judges no time.
"""

import os
import threading
import time
from collections.abc import Iterator
from typing import Final

import pytest
from sqlalchemy import URL

from app.infra import clock
from app.infra.database.engine import make_engine
from tests import bot as bots
from tests import shipped
from tests.actors import Messenger, delivery, message
from tests.bot import Bot, Received, Reply
from tests.browsers import OverSockets
from tests.drills.arrivals import Arrivals
from tests.drills.backlog import BODY_BYTES, HOUR, Backlog, fill
from tests.installation import BEN

MIB: Final = int(os.environ.get("DRILL_BACKLOG_MIB", "1"))
IS_LONG: Final = MIB >= 1024
MESSAGES: Final = 20 if IS_LONG else 2
DELIVERIES: Final = MIB * 1024**2 // BODY_BYTES


@pytest.fixture
def bot() -> Iterator[Bot]:
    with bots.running() as bot:
        bot.remembers = False
        yield bot


@pytest.mark.parametrize("due_in", [HOUR, -HOUR], ids=["due in an hour", "all due now"])
def test_a_message_is_not_held_up_by_what_failed(database: URL, bot: Bot, due_in: int) -> None:
    """R97, R100: also while the bot takes all of it again, as fast as it can."""
    engine = make_engine(database)
    fill(engine, Backlog(deliveries=DELIVERIES, rows=2, due_in=due_in), now=clock.now())
    engine.dispose()
    taken, retried = Arrivals(), []

    def take(received: Received) -> Reply:
        if b"messaging" in received.body:
            taken.add(received.body)
        else:
            retried.append(time.monotonic())
        return Reply()

    bot.reply = take
    settings = {
        "BOT_MESSENGER_URL": f"{bot.url}/messenger",
        # Nothing is dropped: how that goes is another drill's.
        "KEEP_DELIVERIES_MIB": str(2 * MIB),
    }
    with shipped.serving(database, WORKERS="1", **settings) as server:
        waited = _post(Messenger(OverSockets(server.origin)), taken)

    print(  # noqa: T201 - figures
        f"\n{database.get_backend_name()}, {DELIVERIES} that failed, due in {due_in} s: "
        f"{len(waited)} messages, each within {max(waited):.2f} s; {len(retried)} retries meanwhile"
    )
    if IS_LONG:
        assert max(waited) <= 10


def _post(messenger: Messenger, taken: Arrivals) -> list[float]:
    posted, tick = {}, threading.Event()
    for number in range(MESSAGES):
        body = delivery(message(BEN, f"message {number}", clock.now()))
        posted[body] = time.monotonic()
        assert 200 == messenger.posts(body).status
        tick.wait(1 if IS_LONG else 0.1)
    return taken.wait_for(posted)
