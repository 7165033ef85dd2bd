"""A pretended Messenger for your own tests: this one file, pytest and requests.

In a conftest.py::

    pytest_plugins = ["threadlink_testing"]

and in a test::

    def test_somebody_logs_in(messenger, person):
        messenger.deliver_to("http://127.0.0.1:8000/webhook")
        messenger.set_linking_url("http://127.0.0.1:8000/authorize")

        page = person.taps_log_in().submits(username="jane@example.com", password="…")

        assert person.is_linked
        assert messenger.received("webhook")[-1].status == 200

It starts ``threadlink emulator`` as a child process, once for all tests, and makes it as new
before each. Nothing of Threadlink is imported: the command may live in an environment of its own,
named by THREADLINK_COMMAND. `docs/testing.md` has whole examples, for Python and for Node.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

_SECONDS = 60


class EmulatorError(Exception):
    """The emulator could not be started, or refused what it was asked."""


@dataclass(frozen=True)
class Exchange:
    """A request between Messenger and your server, with its answer: bytes as they went."""

    kind: str
    title: str
    at: datetime
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)
    # None when nothing was answered, or nothing sent: `reason` says why.
    status: int | None
    answer_headers: Mapping[str, str] = field(repr=False)
    answer: str = field(repr=False)
    # What was wrong and how to mend it, or None.
    reason: str | None
    fix: str | None
    faults: tuple[str, ...]

    @property
    def json(self) -> Any:
        """The body as what it spells."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """Every event of a webhook delivery, whichever entry it stands in."""
        entries = self.json["entry"]
        return [e for entry in entries for e in entry.get("messaging", entry.get("standby", []))]


class Messenger:
    """A running emulator. `env` holds the settings that your server needs to talk to it."""

    def __init__(self, there: Mapping[str, Any]) -> None:
        self.url: str = there["url"]
        self.graph_url: str = there["graph_url"]
        self.inspector_url: str = there["inspector_url"]
        self.env: dict[str, str] = dict(there["env"])
        self.page_tokens: dict[str, str] = dict(there["page_tokens"])
        self.people: list[Person] = [
            Person(self, page["id"], person) for page in there["pages"] for person in page["people"]
        ]
        self._session = requests.Session()
        self._session.trust_env = False
        self._control = there["control_url"]
        self._key = there["control_key"]

    def person(self, name: str, page_id: str | None = None) -> "Person":
        """Return who is called *name*, on the first page or on *page_id*."""
        for person in self.people:
            if person.name == name and page_id in {None, person.page_id}:
                return person
        raise LookupError(f"{name} is none of {sorted({each.name for each in self.people})}")

    def deliver_to(self, webhook_url: str | None) -> None:
        """Deliver every event to *webhook_url*, as if set up in Meta's dashboard; None: nowhere."""
        self._call("PUT", "/webhook", url=webhook_url)

    def set_linking_url(self, url: str, page_id: str | None = None) -> None:
        """Set the account_linking_url of a page, as your server would through Graph."""
        token = self.page_tokens[page_id or self.env["PAGE_ID"]]
        answer = self._session.post(
            f"{self.graph_url}/me/messenger_profile",
            json={"account_linking_url": url},
            headers={"Authorization": f"Bearer {token}"},
            timeout=_SECONDS,
        )
        if not answer.ok:
            raise EmulatorError(answer.text)

    def turn_on(self, fault: str, times: int | None = None) -> None:
        """Let *fault* happen: until it is turned off, or *times* times."""
        self._call("PUT", f"/faults/{fault}", times=times)

    def turn_off(self, fault: str) -> None:
        self._call("DELETE", f"/faults/{fault}")

    @contextmanager
    def fault(self, *names: str) -> Iterator[None]:
        """Have the faults on within a with statement."""
        for name in names:
            self.turn_on(name)
        try:
            yield
        finally:
            for name in names:
                self.turn_off(name)

    def faults(self) -> dict[str, str]:
        """Return every fault that there is, and what it does."""
        return {row["name"]: row["does"] for row in self._call("GET", "/faults")}

    def advance(self, by: timedelta) -> None:
        """Let *by* pass on Messenger's clock, with every repeat that is due meanwhile."""
        self._call("POST", "/time", advance_seconds=by.total_seconds())

    def return_to_now(self) -> None:
        """Put Messenger's clock back to this machine's, which your server goes by."""
        self._call("DELETE", "/time")

    def settle(self) -> None:
        """Return when every webhook that waits has been delivered, or has failed."""
        self._call("POST", "/settle")

    def received(self, *kinds: str) -> list[Exchange]:
        """Return what has passed, oldest first; *kinds*: webhook, graph, browser, handshake, …."""
        rows = self._call("GET", "/exchanges")
        return [_exchange(row) for row in rows if not kinds or row["kind"] in kinds]

    def reset(self) -> None:
        """Make everything as new: no faults, no links, no messages, the clock of this machine."""
        self._call("POST", "/reset")

    def _call(self, method: str, path: str, **content: Any) -> Any:
        answer = self._session.request(
            method,
            self._control + path,
            json=content or None,
            headers={"Authorization": f"Bearer {self._key}"},
            timeout=_SECONDS,
        )
        told = answer.json() if answer.content else None
        if not answer.ok:
            raise EmulatorError(told["error"] if told else f"answered {answer.status_code}")
        return told


class Person:
    """Somebody with a phone who chats with a page, and opens your pages in Messenger's window."""

    def __init__(self, messenger: Messenger, page_id: str, there: Mapping[str, str]) -> None:
        self.name = there["name"]
        self.psid = there["psid"]
        self.page_id = page_id
        self._messenger = messenger
        self._chat = there["chat_url"]

    @property
    def is_linked(self) -> bool:
        """Whether Messenger shows Log Out."""
        return bool(self._thread()["linked"])

    @property
    def messages(self) -> list[str]:
        """What stands in the thread, oldest first; of a card its title."""
        said = self._thread()["messages"]
        return [each["text"] or " / ".join(each["cards"]) for each in said]

    def says(self, text: str) -> None:
        """Write to the page, and wait until your webhook has heard it."""
        self._post("messages", text=text)
        self._messenger.settle()

    def taps_log_in(self) -> "Window":
        """Tap Log In and return the page that your server shows.

        It is the newest Log In button of the thread, or else the one that the account_linking_url
        makes.
        """
        button = self._newest_button("account_link")
        window = Window()
        if button is None:
            return window.opens(f"{self._chat}/log-in", {})
        return window.opens(f"{self._chat}/tap", button)

    def logs_out(self) -> None:
        """Tap Log Out, and wait until your webhook has heard it."""
        button = self._newest_button("account_unlink")
        if button is None:
            self._post("log-out")
        else:
            self._post("tap", **button)
        self._messenger.settle()

    def has(self, what: str, **more: Any) -> str | None:
        """Let *what* happen: linked, unlinked, message …; return why it failed, or None.

        *more* are code, text, twice, late_seconds.
        """
        who = {"page_id": self.page_id, "psid": self.psid}
        told = self._messenger._call("POST", "/trigger", what=what, **who, **more)  # noqa: SLF001 - one file, one piece
        return told["failure"]["reason"] if told["failure"] else None

    def _thread(self) -> Any:
        threads = self._messenger._call("GET", "")["threads"]  # noqa: SLF001 - the same
        me = (self.page_id, self.psid)
        return next(each for each in threads if (each["page_id"], each["psid"]) == me)

    def _newest_button(self, kind: str) -> dict[str, str] | None:
        for message in reversed(self._thread()["messages"]):
            for place, button in enumerate(message["buttons"]):
                if button["kind"] == kind:
                    return {"message": message["id"], "button": str(place)}
        return None

    def _post(self, form: str, **fields: str) -> None:
        answer = requests.post(f"{self._chat}/{form}", data=fields, timeout=_SECONDS)
        answer.raise_for_status()


class Window:
    """Messenger's in-app browser: keeps cookies, follows redirects, fills forms; no JavaScript."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._answer: requests.Response | None = None

    @property
    def url(self) -> str:
        return str(self._shown.url)

    @property
    def status(self) -> int:
        return self._shown.status_code

    @property
    def text(self) -> str:
        """The page as HTML."""
        return self._shown.text

    @property
    def is_messengers(self) -> bool:
        """Whether the browser is back at Messenger."""
        return "/messenger_platform/account_linking" in self.url

    def opens(self, url: str, form: Mapping[str, str] | None = None) -> "Window":
        """Get *url*, or post *form* to it."""
        method = "GET" if form is None else "POST"
        self._answer = self._session.request(method, url, data=form, timeout=_SECONDS)
        return self

    def submits(self, *, button: str | None = None, **fields: str) -> "Window":
        """Fill the fields of the first form that has them all and send it.

        *button* chooses the form, and the button in it, by the words on it.

        Raises:
            LookupError: There is no such form on this page.
        """
        page = _Page(self.text)
        for form in page.forms:
            pressed = form.press(button)
            if pressed is not None and fields.keys() <= form.values.keys():
                values = {**form.values, **pressed, **fields}
                address = urljoin(self.url, form.action)
                if form.method == "get":
                    self._answer = self._session.get(address, params=values, timeout=_SECONDS)
                    return self
                return self.opens(address, values)
        wanted = f"{sorted(fields)} and a button {button!r}"
        known = [(sorted(form.values), list(form.buttons)) for form in page.forms]
        raise LookupError(f"no form with {wanted} at {self.url}; there are {known}")

    @property
    def _shown(self) -> requests.Response:
        if self._answer is None:
            raise LookupError("nothing has been opened yet")
        return self._answer


@dataclass
class _Form:
    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    # The words on each button, and what pressing it adds.
    buttons: dict[str, dict[str, str]] = field(default_factory=dict)

    def press(self, words: str | None) -> dict[str, str] | None:
        if words is None:
            return next(iter(self.buttons.values()), {})
        return self.buttons.get(words)


class _Page(HTMLParser):
    """The forms of a page, with what a browser would send."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self._form: _Form | None = None
        self._button: dict[str, str] | None = None
        self._words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            method = given.get("method", "get").lower()
            self._form = _Form(given.get("action", ""), method)
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "button" and given.get("type", "submit") == "submit":
            self._button, self._words = _sent(given), ""
        elif tag == "input":
            self._input(self._form, given)

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._words += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._form is not None and self._button is not None:
            self._form.buttons[" ".join(self._words.split())] = self._button
            self._button = None
        elif tag == "form":
            self._form = None

    def _input(self, form: _Form, given: dict[str, str]) -> None:
        kind = given.get("type", "text").lower()
        if kind == "submit":
            form.buttons[given.get("value", "Submit")] = _sent(given)
        elif given.get("name") and (kind not in {"checkbox", "radio"} or "checked" in given):
            form.values[given["name"]] = given.get("value", "on" if kind == "checkbox" else "")


def _sent(given: Mapping[str, str]) -> dict[str, str]:
    return {given["name"]: given.get("value", "")} if given.get("name") else {}


def _exchange(row: Mapping[str, Any]) -> Exchange:
    failure = row["failure"] or {}
    return Exchange(
        kind=row["kind"],
        title=row["title"],
        at=datetime.fromisoformat(row["at"]),
        method=row["method"],
        url=row["url"],
        headers=dict(row["headers"]),
        body=row["body"],
        status=row["status"],
        answer_headers=dict(row["answer_headers"]),
        answer=row["answer"],
        reason=failure.get("reason"),
        fix=failure.get("fix"),
        faults=tuple(row["faults"]),
    )


@contextmanager
def running(options: Sequence[str] = ()) -> Iterator[Messenger]:
    """Start ``threadlink emulator`` with *options* on a free port; stop it at the end.

    Raises:
        EmulatorError: It is not installed, or did not start.
    """
    command = [*_command(), "emulator", "--port", "0", "--json", *options]
    # Your own modules must not become the emulator's: it may well have a package of the same name.
    hidden = {"PYTHONPATH", "PYTHONHOME"}
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    with tempfile.TemporaryDirectory() as elsewhere:
        complaints = Path(elsewhere, "stderr")
        with complaints.open("wb") as stderr:
            child = subprocess.Popen(  # noqa: S603 - the command of this machine's owner
                command, cwd=elsewhere, env=env, stdout=subprocess.PIPE, stderr=stderr
            )
        try:
            line = child.stdout.readline() if child.stdout else b""
            if not line:
                raise EmulatorError(f"the emulator did not start: {complaints.read_text()}")
            yield Messenger(json.loads(line))
        finally:
            child.terminate()
            child.communicate(timeout=_SECONDS)


def _command() -> list[str]:
    named = os.environ.get("THREADLINK_COMMAND")
    if named:
        return shlex.split(named)
    beside = Path(sys.executable).parent
    found = shutil.which("threadlink", path=str(beside)) or shutil.which("threadlink")
    if found is None:
        raise EmulatorError(
            "there is no command threadlink: install the package, or name it in THREADLINK_COMMAND"
        )
    return [found]


@pytest.fixture(scope="session")
def messenger_options() -> Sequence[str]:
    """Override it to start the emulator with other options, such as ``("--page", "Books")``."""
    return ()


@pytest.fixture(scope="session")
def messenger_process(messenger_options: Sequence[str]) -> Iterator[Messenger]:
    """One emulator for all tests; its address and secrets are the same throughout."""
    with running(messenger_options) as messenger:
        yield messenger


@pytest.fixture
def messenger(messenger_process: Messenger) -> Messenger:
    """Return the running Messenger, as new."""
    messenger_process.reset()
    return messenger_process


@pytest.fixture
def person(messenger: Messenger) -> Person:
    """Return the first person on the first page."""
    return messenger.people[0]
