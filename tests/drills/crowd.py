"""People, Messenger and the business at work, all at once, whatever becomes of the server.

Everybody has a story of some steps. A step that is not acknowledged is done again, as in life:
Messenger posts the same bytes again, and whoever got no page taps the button again.
"""

import re
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Final
from urllib.parse import parse_qs, urlsplit

import requests
from sqlalchemy import URL

from app.accounts import local
from app.api_keys import service as keys
from app.infra import clock
from app.messenger.types import Psid
from app.services.container import build
from tests.actors import Messenger, Person, delivery, linked, log_in, message, unlinked
from tests.bot import Received, Reply
from tests.browsers import Answer, OverSockets
from tests.drills.ledger import CODE, END, LINK, LOG_OUT, MESSAGE, Ledger
from tests.installation import PAGE, PASSWORD, settings_for

SWITCHED_OFF: Final = (requests.ConnectionError, requests.Timeout)
CLIENTS: Final = 8
# Each client goes on with a story that has begun, rather than with a new one, from so many on.
MOST_BEGUN: Final = 16
ACCOUNTS: Final = 50

STORIES: Final[tuple[tuple[str, ...], ...]] = (
    (MESSAGE,),
    (CODE, LINK),
    (LOG_OUT,),
    (CODE, LINK, LOG_OUT),
    (MESSAGE,),
    (CODE, LINK, END),
)
# Quick ones, for which nobody has to sign in.
PLAIN: Final[tuple[tuple[str, ...], ...]] = ((MESSAGE,), (LOG_OUT,))
# What a server needs so that so many people from one machine may link.
SETTINGS: Final = {"TRUSTED_PROXIES": "1", "MAX_LINKS_PER_USER": "1000"}


@dataclass(slots=True)
class Story:
    """What is still to happen to one person of Messenger's, and what they have got so far."""

    number: int
    steps: deque[str]
    body: bytes = b""
    code: str = ""
    person: Person | None = None

    @property
    def psid(self) -> Psid:
        return Psid(f"7{self.number:015d}")

    @property
    def username(self) -> str:
        return f"jane{self.number % ACCOUNTS}@example.com"


class Crowd:
    """Does what people, Messenger and the business do, and writes down what is acknowledged."""

    def __init__(
        self, ledger: Ledger, key: str = "", stories: Sequence[tuple[str, ...]] = STORIES
    ) -> None:
        self._ledger, self._key, self._stories = ledger, key, stories
        self._begun: deque[Story] = deque()
        self._next = 0
        self._lock = threading.Lock()

    @contextmanager
    def at(self, origin: str, *, clients: int = CLIENTS) -> Iterator[None]:
        """Keep *clients* busy with the server at *origin* until the block ends."""
        over = threading.Event()

        def go_on() -> None:
            at = _At(origin, self._ledger, self._key)
            while not over.is_set():
                story = self._one_to_go_on_with()
                try:
                    at.go_on(story)
                except SWITCHED_OFF:
                    over.wait(0.01)
                self._put_back(story)
            at.close()

        threads = [threading.Thread(target=go_on) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def finish(self, origin: str) -> None:
        """Bring what has begun to its end, at the server at *origin*."""
        at = _At(origin, self._ledger, self._key)
        while self._begun:
            story = self._begun.popleft()
            with suppress(*SWITCHED_OFF):
                at.go_on(story)
            self._put_back(story)
        at.close()

    def _one_to_go_on_with(self) -> Story:
        with self._lock:
            if len(self._begun) >= MOST_BEGUN:
                return self._begun.popleft()
            self._next += 1
            return Story(self._next, deque(self._stories[self._next % len(self._stories)]))

    def _put_back(self, story: Story) -> None:
        if story.steps:
            self._begun.append(story)


class _At:
    """One client of the server at *origin*."""

    def __init__(self, origin: str, ledger: Ledger, key: str) -> None:
        self._origin, self._ledger = origin, ledger
        self._browser = OverSockets(origin)
        self._messenger = Messenger(self._browser)
        self._key = {"Authorization": f"Bearer {key}"}

    def close(self) -> None:
        self._browser.close()

    def go_on(self, story: Story) -> None:
        """Do the next step of *story*; it is done if it was acknowledged."""
        step = story.steps[0]
        proof = self._logs_in(story) if step == CODE else self._is_told(story, step)
        if proof is not None:
            self._ledger.note(step, story.psid, proof)
            story.steps.popleft()
            story.body = b""

    def _is_told(self, story: Story, step: str) -> bytes | None:
        if step == END:
            path = f"/api/v1/links/{PAGE}/{story.psid}"
            answer = self._browser("DELETE", path, headers=self._key)
        else:
            # The same bytes again, when they are told again.
            story.body = story.body or _told(story, step)
            answer = self._messenger.posts(story.body)
        self._ledger.note_status(answer.status, answer.headers)
        return (story.body or b"ended") if answer.status in {200, 204} else None

    def _logs_in(self, story: Story) -> bytes | None:
        """Do what the page in front says, until it leads back to Messenger."""
        if story.person is None:
            # Many people, each in a network of their own: failures count by that, and whoever is
            # signing in when the server dies has failed.
            address = str(IPv4Address("10.0.0.0") + 256 * story.number)
            person = Person(OverSockets(self._origin, {"X-Forwarded-For": address}))
            person.opens(log_in(f"{story.psid}-").address())
            story.person = person
        person = story.person
        while (code := _code_in(person.sees)) is None:
            buttons = {form.button for form in person.sees.forms}
            if person.sees.status == 303:
                person.follows()
            elif person.sees.status == 200 and "Sign in" in buttons:
                person.presses("Sign in", username=story.username, password=PASSWORD)
            elif person.sees.status == 200 and "Connect" in buttons:
                person.presses("Connect")
            else:
                self._ledger.note_status(person.sees.status, person.sees.headers)
                story.person = None
                return None
        story.code, story.person = code, None
        return code.encode()


def _told(story: Story, step: str) -> bytes:
    at = clock.now()
    match step:
        case "message":
            return delivery(message(story.psid, "hello", at))
        case "link":
            return delivery(linked(story.psid, story.code, at))
        case _:
            return delivery(unlinked(story.psid, at))


def _code_in(sees: Answer) -> str | None:
    if sees.status != 303:
        return None
    (code,) = parse_qs(urlsplit(sees.location).query).get("authorization_code", [None])
    return code


@dataclass(slots=True)
class Graph:
    """What Graph answers; the token of a log-in says whose it is."""

    unlinked: set[str] = field(default_factory=set)

    def __call__(self, asked: Received) -> Reply:
        if asked.path.partition("?")[0].endswith("/unlink_accounts"):
            self.unlinked |= set(re.findall(r"[0-9]{16}", asked.body.decode()))
            return Reply(body=b'{"result": "unlink account success"}')
        whose = re.search(r"account_linking_token=ARR([0-9]{16})-", asked.path)
        known = f'"id": "{PAGE}", "recipient": "{whose[1]}"' if whose else '"first_name": "Ana"'
        return Reply(body=b"{%s}" % known.encode())


def prepare(database: URL) -> str:
    """Add the accounts of the crowd to *database*; return a key of the business."""
    services = build(settings_for(database))
    password_hash = services.hasher.hash(PASSWORD)
    for number in range(ACCOUNTS):
        services.write(local.add, f"jane{number}@example.com", None, password_hash, at=clock.now())
    key = services.write(
        keys.issue, "mirror", scopes=keys.SCOPES, page_id=None, expires_at=None, at=clock.now()
    )
    services.close()
    return key
