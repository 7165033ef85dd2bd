"""Runs a bot that others wrote as the webhook, and delivers events to it."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.fidelity.clients import environment
from tests.fidelity.program_cache import command_for
from tests.fidelity.programs import Program
from threadlink_testing import Messenger

_SECONDS = 40
# By fault, the number of linking events that a bot should receive.
_CASES = {
    "": 1,
    "twice": 2,
    "mixed-messages": 1,
    "mixed-standby": 1,
    "mixed-changes": 1,
    "other-objects": 1,
    "unsigned": 0,
    "foreign-secret": 0,
    "altered": 0,
    "sha1-only": 0,
}


class Bot:
    """A running bot: its address, and the linking events it has received."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        self._lines: list[Any] = []
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def url(self) -> str:
        """Return its URL once it listens; empty if it does not start."""
        self._wait(lambda: self._all("url"))
        return next(iter(self._all("url")), "")

    def heard(self, count: int) -> list[Any]:
        """Return the linking events received since the last call; waits for *count*."""
        self._wait(lambda: len(self._all("heard")) >= count, seconds=2)
        with self._news:
            heard = self._all("heard")
            self._lines = [line for line in self._lines if "heard" not in line]
        return heard

    def _all(self, key: str) -> list[Any]:
        return [line[key] for line in self._lines if key in line]

    def _read(self) -> None:
        for line in self._child.stdout or ():
            if line.startswith("{"):
                with self._news:
                    self._lines.append(json.loads(line))
                    self._news.notify_all()

    def _wait(self, is_so: Any, *, seconds: float = _SECONDS) -> None:
        with self._news:
            self._news.wait_for(is_so, seconds)


def deliver(program: Program, messenger: Messenger) -> Iterator[tuple[str, str, bool]]:
    """Yield each case, its result, and whether the result is as documented."""
    messenger.reset()
    with running(program, messenger) as bot:
        url = bot.url()
        if not url:
            yield "start", "it never listened", False
            return
        for fault, expected in _CASES.items():
            messenger.reset()
            messenger.deliver_to(url)
            if fault:
                messenger.turn_on(fault)
            yield fault or "linked", *_outcome(messenger, bot, expected)
        messenger.reset()
        messenger.deliver_to(url)
        messenger.people[0].has("unlinked")
        heard = bot.heard(1)
        yield "unlinked", f"heard {heard}", [each.get("status") for each in heard] == ["unlinked"]


def _outcome(messenger: Messenger, bot: Bot, expected: int) -> tuple[str, bool]:
    messenger.people[0].has("linked", code="tl_4f")
    statuses = [each.status for each in messenger.received("webhook")]
    # One that it accepted it may hear only after its answer.
    heard = bot.heard(max(expected, int(200 in statuses)))
    # A forged delivery must not be accepted; any other must be, at the first attempt.
    all_accepted = all(status == 200 for status in statuses)
    is_answered = all_accepted if expected else 200 not in statuses
    is_right = len(heard) == expected and is_answered
    return f"answered {statuses}, heard {len(heard)} of {expected}", is_right


@contextmanager
def running(program: Program, messenger: Messenger) -> Iterator[Bot]:
    """Yield *program* as a child process; its `url` is empty if it does not start."""
    command, folder = command_for(program)
    env = messenger.env
    given = {
        "graph_url": messenger.graph_url,
        "token": env["PAGE_ACCESS_TOKEN"],
        "app_id": env["APP_ID"],
        "app_secret": env["APP_SECRET"],
        "page_id": env["PAGE_ID"],
        "verify_token": env["VERIFY_TOKEN"],
    }
    child = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(given, str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Bot(child)
    finally:
        child.terminate()
        child.wait(_SECONDS)
