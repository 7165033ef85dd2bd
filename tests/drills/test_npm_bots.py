"""Bots from npm, as they are, that answer 500 to what they do not know (R97, R100).

bootbot and botbuilder throw at an entry without `messaging`, such as a reaction to a post. Messages
must reach them all the same. Only in the long form, since it installs them.
"""

import hmac
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import pytest
from sqlalchemy import URL

from app.infra import clock
from tests import shipped
from tests.actors import Messenger, delivery, message
from tests.browsers import OverSockets
from tests.conftest import on_sqlite
from tests.drills.arrivals import Arrivals
from tests.drills.test_refusing_bot import feed
from tests.fidelity import forwarding
from tests.installation import BEN
from tests.ports import free_port

# As long as in the report about bootbot, with its reaction every 3 and message every 15 seconds.
SECONDS: Final = float(os.environ.get("DRILL_NPM_SECONDS", "0"))
FEED_S: Final = 3
MESSAGE_S: Final = 15


@pytest.fixture(scope="module")
def packages() -> Path:
    forwarding.install_from_npm(forwarding.DEFAULT_CACHE)
    return forwarding.DEFAULT_CACHE


@on_sqlite
@pytest.mark.parametrize("name", ["bootbot (npm)", "botbuilder (npm)"])
def test_messages_reach_a_bot_that_throws_at_reactions(
    database: URL, packages: Path, name: str
) -> None:
    """R97, R100: each within ten seconds, however many reactions it refuses."""
    taken = Arrivals()

    def note(line: bytes) -> None:
        if found := re.search(rb"READ \d+ (message \d+)", line):
            taken.add(found[1])

    with running(forwarding.FROM_NPM[name], packages, note) as url:
        settings = {"BOT_MESSENGER_URL": url}
        with shipped.serving(database, **settings) as server:
            refused, posted = _post(Messenger(OverSockets(server.origin)))
            waited = taken.wait_for(posted)

    print(  # noqa: T201 - figures
        f"\n{name}: {refused} reactions, {len(waited)} messages, each within {max(waited):.1f} s"
    )
    assert max(waited) <= 10


@contextmanager
def running(command: list[str], packages: Path, note: Callable[[bytes], None]) -> Iterator[str]:
    """Yield the webhook of a bot that is a program; *note* gets each line that it prints."""
    port = free_port()
    env = {
        **os.environ,
        "PORT": str(port),
        "APP_SECRET": forwarding.SECRET,
        "NODE_PATH": str(packages / "node_modules"),
    }
    with subprocess.Popen(  # noqa: S603 - ours
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as bot:
        assert bot.stdout is not None
        reader = threading.Thread(target=_read, args=(bot.stdout, note))
        reader.start()
        try:
            forwarding.until_open(port)
            yield f"http://127.0.0.1:{port}/webhook"
        finally:
            bot.terminate()
            bot.wait()
            reader.join()


def _read(lines: IO[bytes], note: Callable[[bytes], None]) -> None:
    for line in lines:
        note(line)


def _post(messenger: Messenger) -> tuple[int, dict[bytes, float]]:
    """Post reactions and messages side by side; return how many, and when each was posted."""
    posted: dict[bytes, float] = {}
    tick, refused, begun_at = threading.Event(), 0, time.monotonic()
    while (elapsed := time.monotonic() - begun_at) < SECONDS:
        if elapsed >= refused * FEED_S:
            refused += 1
            _send(messenger, feed(refused))
        if elapsed >= (len(posted) + 0.5) * MESSAGE_S:
            text = f"message {len(posted)}"
            posted[text.encode()] = time.monotonic()
            _send(messenger, delivery(message(BEN, text, clock.now())))
        tick.wait(0.05)
    return refused, posted


def _send(messenger: Messenger, body: bytes) -> None:
    # Both check this one alone, which Messenger sends beside the other.
    mac = hmac.new(forwarding.SECRET.encode(), body, "sha1").hexdigest()
    assert 200 == messenger.posts(body, **{"X-Hub-Signature": f"sha1={mac}"}).status
