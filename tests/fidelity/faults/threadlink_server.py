"""`threadlink serve` beside the emulator, with one account, under a fault."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Final

import requests
from sqlalchemy import URL

from tests import shipped
from tests.fidelity.faults.summaries import deliveries, shown
from tests.installation import ENVIRONMENT, PASSWORD, USERNAME
from threadlink_testing import Messenger, Person, Window

_SECONDS: Final = 60
_ASKED_WITHIN: Final = 5
_QUESTION: Final = "Connect this Messenger to"
_YES: Final = "Yes, connect"
# Graph calls of `connect`, which are not the server's.
_CALLS_TO_CONNECT: Final = 1
_PROGRAM: Final = str(Path(sys.executable).with_name("threadlink"))


@dataclass(frozen=True)
class ThreadlinkServer:
    """A running Threadlink. Each method is a situation, and returns a summary of the result."""

    messenger: Messenger
    server: shipped.Shipped
    env: dict[str, str]
    key: str

    def connect(self) -> None:
        """Subscribe this server, and set its linking URL."""
        self.messenger.deliver_to(f"{self.server.origin}/webhook")
        for page_id in self.messenger.page_tokens:
            self.messenger.set_linking_url(f"{self.server.origin}/authorize", page_id)

    def links(self, person: Person) -> str:
        """Log in as far as possible; return the last page, the deliveries and the link."""
        window = self._through_the_form(person)
        self.messenger.settle()
        return f"{shown(window)}; {self._deliveries_and_link(person)}"

    def links_after_a_message(self, person: Person) -> str:
        """Link after a message, with the webhook's answer lost once."""
        person.says("hello")
        self.messenger.turn_on("webhook-500", 1)
        return self.links(person)

    def links_and_logs_out(self, person: Person) -> str:
        """Log in and out; return the last page, the deliveries and the link."""
        window = self._through_the_form(person)
        person.logs_out()
        return f"{shown(window)}; {self._deliveries_and_link(person)}"

    def comes_by_link(self, person: Person) -> str:
        """Connect from a page by its link, and by its code where the link brings no question."""
        window = Window().opens(f"{self.server.origin}/connect")
        window.submits(username=USERNAME, password=PASSWORD)
        (link,) = set(re.findall(r'href="([^"]*/m\.me/[^"]*\bref=[^"]*)"', window.text))
        (code,) = set(re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", window.text))
        person.says("hello")
        person.opens(unescape(link))
        by = "link" if self._is_asked(person) else "code"
        if by == "code":
            person.says(code)
            if not self._is_asked(person):
                window.opens(window.url)
                told = f"not asked; {shown(window)}; {self.link_of(person)}"
                return f"{deliveries(self.messenger, person)}; {told}"
        person.taps("Yes")
        window.opens(window.url).submits(button=_YES)
        return f"{deliveries(self.messenger, person)}; asked by the {by}; {self.link_of(person)}"

    def _is_asked(self, person: Person) -> bool:
        """Wait for the question, which the worker sends: two seconds at most by its promise."""
        until = time.monotonic() + _ASKED_WITHIN
        while time.monotonic() < until:
            if any(_QUESTION in each for each in person.messages):
                return True
            time.sleep(0.05)
        return False

    def stands_still(self, person: Person) -> str:
        """Send a message while the server's processes are stopped; return the deliveries."""
        os.killpg(self.server.process.pid, signal.SIGSTOP)
        try:
            person.has("message")
        finally:
            os.killpg(self.server.process.pid, signal.SIGCONT)
        self.messenger.settle()
        return deliveries(self.messenger, person)

    def signs_in(self, person: Person) -> str:
        """Sign in; return the page, the number of Graph calls, and the errors in the log."""
        before = self.server.log.stat().st_size
        window = self._signed_in(person)
        new = self.server.log.read_text(encoding="utf-8")[before:]
        failed = re.findall(r'"error": "(\w+)".*"event": "graph.failed"', new)
        asked = len(self.messenger.received("graph")) - _CALLS_TO_CONNECT
        return f"{shown(window)}; asked Graph {asked} x; logs {', '.join(failed) or 'nothing'}"

    def asks_who(self, person: Person) -> str:
        """Sign in, and return the heading of the confirm page."""
        return shown(self._signed_in(person))

    def sends_a_button(self, person: Person) -> str:
        asked = {"kind": "login", "psid": person.psid, "text": "Log in to see your orders"}
        answer = self._api("POST", f"/pages/{person.page_id}/buttons", asked)
        content = answer.json()
        return f"{answer.status_code} {content.get('type', 'sent').removeprefix('/api/docs#')}"

    def unlinks(self, person: Person) -> str:
        """Link, and end the link by the API; return Messenger's state, deliveries and the link."""
        self._through_the_form(person)
        self._api("DELETE", f"/links/{person.page_id}/{person.psid}")
        until = time.monotonic() + _SECONDS
        # The outbox does not report when it has called Graph, so poll.
        while person.is_linked and time.monotonic() < until:
            time.sleep(0.05)
        state = "logged in" if person.is_linked else "logged out"
        return f"{state}; {self._deliveries_and_link(person)}"

    def sets_the_url(self, _person: Person, *options: str) -> str:
        run = subprocess.run(
            [_PROGRAM, "messenger", "set-url", *options],
            env=self.env,
            cwd=self.server.log.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        # Without a system log, the audit line is among them.
        lines = (run.stderr or run.stdout).strip().splitlines()
        told = [line for line in lines if not line.startswith("{")]
        return f"exit {run.returncode}: {told[-1] if told else ''}"

    def sets_the_url_by_thread_settings(self, person: Person) -> str:
        return self.sets_the_url(person, "--legacy", "--graph-version", "v26.0")

    def link_of(self, person: Person) -> str:
        """Return whether *person* is linked, with the version of the link."""
        answer = self._api("GET", f"/links/{person.page_id}/{person.psid}")
        return f"linked, version {answer.json()['version']}" if answer.ok else "not linked"

    def _deliveries_and_link(self, person: Person) -> str:
        return f"{deliveries(self.messenger, person)}; {self.link_of(person)}"

    def _signed_in(self, person: Person) -> Window:
        window = person.taps_log_in()
        if window.status != requests.codes.ok:
            return window
        return window.submits(username=USERNAME, password=PASSWORD)

    def _through_the_form(self, person: Person) -> Window:
        window = self._signed_in(person)
        can_connect = window.status == requests.codes.ok and _YES in window.text
        return window.submits(button=_YES) if can_connect else window

    def _api(self, method: str, path: str, content: object = None) -> requests.Response:
        return requests.request(
            method,
            f"{self.server.origin}/api/v1{path}",
            json=content,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=_SECONDS,
        )


@contextmanager
def running(messenger: Messenger) -> Iterator[ThreadlinkServer]:
    """Run `threadlink serve`, set up for *messenger* in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = URL.create("sqlite", database=str(folder / "threadlink.sqlite"))
        changed = {
            **messenger.env,
            "REDIRECT_ORIGINS": messenger.url,
            "MAX_LINKS_PER_USER": "1000",
            "INVITATIONS": "1",
            "CONNECT_PAGE": "1",
        }
        env = {**ENVIRONMENT, **changed, "DATABASE_URL": str(database), "PATH": os.environ["PATH"]}
        _run(env, folder, "db", "upgrade")
        _run(env, folder, "accounts", "add", "--by-owner", USERNAME, typed=PASSWORD)
        scopes = [f"--scope={each}" for each in ("links:read", "links:write", "messages:send")]
        key = _run(env, folder, "keys", "create", "fidelity", *scopes).strip()
        server = shipped.start(database, folder, **changed)
        try:
            env["PUBLIC_URL"] = server.origin
            yield ThreadlinkServer(messenger, server, env, key)
        finally:
            server.process.terminate()
            server.process.wait(_SECONDS)


def _run(env: dict[str, str], folder: Path, *words: str, typed: str = "") -> str:
    return subprocess.run(
        [_PROGRAM, *words],
        env=env,
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        check=True,
        timeout=_SECONDS,
    ).stdout
