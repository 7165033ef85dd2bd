"""The second road, played by those on it: a browser that has signed in here, and chats.

What the chats are sent is what Graph was asked to send; the worker runs only when a test says so.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from flask import Flask

from app.infra import clock
from app.services.background import make_worker
from app.services.container import Services
from app.web.languages import chat_texts
from tests.actors import Graph, LogIn, Messenger, about, message
from tests.installation import PAGE, PASSWORD, USERNAME
from tests.web.page_visitor import PageVisitor

SETTINGS: Final = {"INVITATIONS": "1", "CONNECT_PAGE": "1", "CONNECTIONS_PAGE": "1"}


def referral(psid: str, ref: str) -> dict[str, Any]:
    """Return the event that *psid* has followed an m.me link with *ref* in a thread they have."""
    told = {"ref": ref, "source": "SHORTLINK", "type": "OPEN_THREAD"}
    return {**about(psid, clock.now(), PAGE), "referral": told}


def postback(psid: str, payload: str, title: str = "") -> dict[str, Any]:
    """Return the event that *psid* has tapped a button with *payload*."""
    tapped = {"title": title, "payload": payload}
    return {**about(psid, clock.now(), PAGE), "postback": tapped}


@dataclass
class Chat:
    """The chat of one Messenger profile with the Page."""

    psid: str
    messenger: Messenger
    graph: Graph
    services: Services

    def opens(self, ref: str) -> None:
        """Follow a link with *ref*, and get what the Page answers."""
        self.messenger.tells(referral(self.psid, ref))
        self.waits()

    def types(self, text: str) -> None:
        self.messenger.tells(message(self.psid, text, clock.now()))
        self.waits()

    def taps(self, title: str) -> None:
        """Tap the button *title* of the newest message that has one."""
        payloads = self._buttons(title)
        assert payloads, self.texts
        self.messenger.tells(postback(self.psid, payloads[-1], title))
        self.waits()

    def offers(self, title: str) -> bool:
        return bool(self._buttons(title))

    def waits(self) -> None:
        """Let the worker send what is due."""
        worker = make_worker(self.services, "w", chat_texts.say)
        while worker.run_once():
            pass

    @property
    def texts(self) -> list[str]:
        """Return what the Page has written, without the marks around names."""
        return [re.sub("[\u2066-\u2069]", "", _text_of(each)) for each in self._messages()]

    @property
    def digits(self) -> str:
        """Return the digits of the newest message that has some."""
        found = re.findall(r"\b(\d{3} \d{3}) is your", "\n".join(self.texts))
        return str(found[-1])

    def _buttons(self, title: str) -> list[str]:
        return [
            button["payload"]
            for each in self._messages()
            for button in _buttons_of(each)
            if button["title"] == title
        ]

    def _messages(self) -> list[dict[str, Any]]:
        bodies = [json.loads(each) for each in self.graph.messages]
        return [body["message"] for body in bodies if body["recipient"]["id"] == self.psid]


class Shopper(PageVisitor):
    """A customer at a browser of their own, on our pages."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.address = ""
        # Of the forms of the page that this person came to last.
        self.token = ""

    def comes(self, door: str = "/connect") -> None:
        """Open *door*, and come to the sign-in page behind it."""
        self.opens(door)
        self.address = self.sees.location
        self.follows()
        self._note_token()

    def comes_and_signs_in(
        self, door: str = "/connect", *, username: str = USERNAME, password: str = PASSWORD
    ) -> None:
        self.comes(door)
        self.signs_in(username, password)
        self._note_token()

    def _note_token(self) -> None:
        if self.sees.forms:
            self.token = self.sees.forms[0].fields["form_token"]

    def reloads(self) -> None:
        self.opens(self.address)

    @property
    def ref(self) -> str:
        """Return the ref of the link on the page."""
        (link,) = re.findall(r'href="(https://m\.me/[^"]*\?ref=[^"]*)"', self.sees.text)
        (ref,) = parse_qs(urlsplit(link).query)["ref"]
        return str(ref)

    @property
    def code(self) -> str:
        """Return the code that the page shows."""
        (code,) = re.findall(r'class="typed-code"><bdi dir="ltr">([^<]*)<', self.sees.text)
        return str(code)


def named(graph: Graph, psid: str, name: str) -> None:
    """Let Graph tell from now on that *psid* is called *name*."""
    graph.knows(LogIn(f"unused-{psid}", ""), psid, name)


def _text_of(sent: dict[str, Any]) -> str:
    template = sent.get("attachment", {}).get("payload", {})
    return str(sent.get("text") or template.get("text") or "")


def _buttons_of(sent: dict[str, Any]) -> list[dict[str, str]]:
    buttons: list[dict[str, str]] = sent.get("attachment", {}).get("payload", {}).get("buttons", [])
    return buttons
