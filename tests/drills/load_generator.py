"""A load generator: clients that act as people, Messenger and the business at the same time.

Each simulated person has a scenario of a few steps. A step that is not acknowledged is repeated, as
in production: Messenger posts the same bytes again, and a person who got no page taps again.
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
from tests.drills.acknowledgements import CODE, END, LINK, LOG_OUT, MESSAGE, Acknowledgements
from tests.drills.threads import going_on
from tests.installation import PAGE, PASSWORD, settings_for

SWITCHED_OFF: Final = (requests.ConnectionError, requests.Timeout)
CLIENTS: Final = 8
# Each client goes on with a scenario that has begun, rather than with a new one, from so many on.
MOST_BEGUN: Final = 16
ACCOUNTS: Final = 50

SCENARIOS: Final[tuple[tuple[str, ...], ...]] = (
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
class Scenario:
    """The remaining steps of one Messenger user, and the code and pages received so far."""

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


class LoadGenerator:
    """Concurrent clients that work through scenarios and record every acknowledgement."""

    def __init__(
        self,
        acks: Acknowledgements,
        key: str = "",
        scenarios: Sequence[tuple[str, ...]] = SCENARIOS,
    ) -> None:
        self._acks, self._key, self._scenarios = acks, key, scenarios
        self._begun: deque[Scenario] = deque()
        self._next = 0
        self._lock = threading.Lock()

    @contextmanager
    def at(self, origin: str, *, clients: int = CLIENTS) -> Iterator[None]:
        """Run *clients* threads against the server at *origin* until the block ends."""

        def go_on(over: threading.Event) -> None:
            at = _At(origin, self._acks, self._key)
            while not over.is_set():
                scenario = self._next_scenario()
                try:
                    at.go_on(scenario)
                except SWITCHED_OFF:
                    over.wait(0.01)
                self._put_back(scenario)
            at.close()

        with going_on(*[go_on] * clients):
            yield

    def finish(self, origin: str) -> None:
        """Complete the scenarios that have begun, against the server at *origin*."""
        at = _At(origin, self._acks, self._key)
        while self._begun:
            scenario = self._begun.popleft()
            with suppress(*SWITCHED_OFF):
                at.go_on(scenario)
            self._put_back(scenario)
        at.close()

    def _next_scenario(self) -> Scenario:
        with self._lock:
            if len(self._begun) >= MOST_BEGUN:
                return self._begun.popleft()
            self._next += 1
            return Scenario(self._next, deque(self._scenarios[self._next % len(self._scenarios)]))

    def _put_back(self, scenario: Scenario) -> None:
        if scenario.steps:
            self._begun.append(scenario)


class _At:
    """One client of the server at *origin*."""

    def __init__(self, origin: str, acks: Acknowledgements, key: str) -> None:
        self._origin, self._acks = origin, acks
        self._browser = OverSockets(origin)
        self._messenger = Messenger(self._browser)
        self._key = {"Authorization": f"Bearer {key}"}

    def close(self) -> None:
        self._browser.close()

    def go_on(self, scenario: Scenario) -> None:
        """Try the next step of *scenario*; it counts as done if the server acknowledged it."""
        step = scenario.steps[0]
        proof = self._logs_in(scenario) if step == CODE else self._is_told(scenario, step)
        if proof is not None:
            self._acks.note(step, scenario.psid, proof)
            scenario.steps.popleft()
            scenario.body = b""

    def _is_told(self, scenario: Scenario, step: str) -> bytes | None:
        if step == END:
            path = f"/api/v1/links/{PAGE}/{scenario.psid}"
            answer = self._browser("DELETE", path, headers=self._key)
        else:
            # The same bytes again, when they are told again.
            scenario.body = scenario.body or _told(scenario, step)
            answer = self._messenger.posts(scenario.body)
        self._acks.note_status(answer.status, answer.headers)
        return (scenario.body or b"ended") if answer.status in {200, 204} else None

    def _logs_in(self, scenario: Scenario) -> bytes | None:
        """Follow the pages until one redirects to Messenger; return its authorization code."""
        if scenario.person is None:
            # Many people, each in a network of their own: failures count by that, and whoever is
            # signing in when the server dies has failed.
            address = str(IPv4Address("10.0.0.0") + 256 * scenario.number)
            person = Person(OverSockets(self._origin, {"X-Forwarded-For": address}))
            person.opens(log_in(f"{scenario.psid}-").address())
            scenario.person = person
        person = scenario.person
        while (code := _code_in(person.sees)) is None:
            if person.sees.status == 303:
                person.follows()
            elif person.sees.status == 200 and person.sees.offers("Log in"):
                person.presses("Log in", username=scenario.username, password=PASSWORD)
            elif person.sees.status == 200 and person.sees.offers("Connect"):
                person.presses("Connect")
            else:
                self._acks.note_status(person.sees.status, person.sees.headers)
                scenario.person = None
                return None
        scenario.code, scenario.person = code, None
        return code.encode()


def _told(scenario: Scenario, step: str) -> bytes:
    at = clock.now()
    match step:
        case "message":
            return delivery(message(scenario.psid, "hello", at))
        case "link":
            return delivery(linked(scenario.psid, scenario.code, at))
        case _:
            return delivery(unlinked(scenario.psid, at))


def _code_in(sees: Answer) -> str | None:
    if sees.status != 303:
        return None
    (code,) = parse_qs(urlsplit(sees.location).query).get("authorization_code", [None])
    return code


@dataclass(slots=True)
class Graph:
    """A simulated Graph API; the account-linking token contains the PSID."""

    unlinked: set[str] = field(default_factory=set)

    def __call__(self, asked: Received) -> Reply:
        if asked.path.partition("?")[0].endswith("/unlink_accounts"):
            self.unlinked |= set(re.findall(r"[0-9]{16}", asked.body.decode()))
            return Reply(body=b'{"result": "unlink account success"}')
        whose = re.search(r"account_linking_token=ARR([0-9]{16})-", asked.path)
        known = f'"id": "{PAGE}", "recipient": "{whose[1]}"' if whose else '"first_name": "Ana"'
        return Reply(body=b"{%s}" % known.encode())


def prepare(database: URL) -> str:
    """Add the accounts that the scenarios use to *database*; return an API key."""
    services = build(settings_for(database))
    password_hash = services.hasher.hash(PASSWORD)
    for number in range(ACCOUNTS):
        services.write(local.add, f"jane{number}@example.com", None, password_hash, at=clock.now())
    key = services.write(
        keys.issue, "mirror", scopes=keys.SCOPES, page_id=None, expires_at=None, at=clock.now()
    )
    services.close()
    return key
