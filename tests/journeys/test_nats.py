"""Emulator, Threadlink, NATS and the bot of examples/bot that reads from it, as all are shipped."""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests import nats_cluster
from tests.journeys.program import Threadlink, emulated
from tests.nats_cluster import PATIENCE_SECONDS, Cluster
from tests.ports import free_port
from threadlink_testing import Messenger, Person

JANE, PASSWORD = "jane@example.com", "four gulls over a quiet harbour"
BOT: Final = Path(__file__).parents[2] / "examples" / "bot"


def test_a_person_who_writes_is_answered_by_a_bot_that_reads_from_the_log(
    threadlink: Threadlink,
) -> None:
    """The stream by the command, the bot as copied: a Log In button, then the person by name."""
    with emulated() as there, nats_cluster.running() as cluster:
        messenger, port = Messenger(there), free_port()
        own = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "BOT_MESSENGER_URL": cluster.url,
            "KEEP_DELIVERIES_MIB": "8",
        }
        lines = (f"{name}={text}\n" for name, text in {**messenger.env, **own}.items())
        (threadlink.folder / ".env").write_text("".join(lines))
        threadlink.does("db", "upgrade")
        threadlink.does("accounts", "add", "--by-owner", JANE, typed=f"{PASSWORD}\n")
        # In a process of their own: they need an event loop, and one of a browser may run here.
        made = threadlink.runs("stream", "create")
        again = threadlink.runs("stream", "create")
        key = threadlink.does(
            "keys", "create", "bot", "--scope", "links:read", "--scope", "messages:send"
        )
        ana = messenger.people[0]
        with threadlink.serves("run"), reading(cluster, messenger, own["PUBLIC_URL"], key):
            threadlink.does("setup")
            ana.says("hello")
            wait_for(ana, "Log in, and I know you.")
            ana.taps_log_in().submits(username=JANE, password=PASSWORD).submits(
                button="Yes, connect"
            )
            ana.says("hello again")
            wait_for(ana, "You are j")

    assert "one copy of each delivery" in made
    assert made == again


def wait_for(person: Person, text: str) -> None:
    tick, limit = threading.Event(), time.monotonic() + PATIENCE_SECONDS
    while not any(text in message for message in person.messages):
        assert time.monotonic() < limit, f"not told: {text}"
        tick.wait(0.05)


@contextmanager
def reading(cluster: Cluster, messenger: Messenger, origin: str, key: str) -> Iterator[None]:
    """Run the reader until the block ends."""
    environment = {
        **os.environ,
        "NATS_URL": cluster.url.removesuffix("/messenger"),
        "APP_SECRET": messenger.env["APP_SECRET"],
        "PAGE_ACCESS_TOKEN": messenger.env["PAGE_ACCESS_TOKEN"],
        "GRAPH_URL": messenger.env["GRAPH_URL"],
        "THREADLINK_URL": origin,
        "THREADLINK_KEY": key.strip(),
        "BOT_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
    with subprocess.Popen(
        [sys.executable, "reader.py"],
        cwd=BOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert "ready\n" == process.stdout.readline()
            yield
        finally:
            process.terminate()
