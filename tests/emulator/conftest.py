from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.emulator import EmulatorSettings, PageSettings, create_emulator, psid_for
from app.emulator.context import Emulator, emulator_of
from app.emulator.state import Thread
from tests.emulator.webhook_server import Webhook

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:5010"
PAGE = "1717527131834678"
OTHER_PAGE = "2817527131834679"


class ManualClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


class Person:
    """A person who chats with the first page."""

    def __init__(self, app: Flask, name: str) -> None:
        self.emulator = emulator_of(app)
        self.psid = psid_for(self.emulator.settings, PAGE, name)
        self._browser = app.test_client()

    @property
    def thread(self) -> Thread:
        return self.emulator.state.thread(PAGE, self.psid)

    def opens(self, address: str) -> TestResponse:
        return self._browser.get(address)

    def previews(self, address: str) -> TestResponse:
        return self._browser.head(address)

    def sees(self, page: str = "") -> str:
        """Return the chat, or another page of the thread, as text."""
        return self._browser.get(f"/t/{PAGE}/{self.psid}{page}").text

    def submits(self, form: str, **fields: str) -> TestResponse:
        """Send a form of the chat, and wait until the events have been delivered."""
        answer = self._browser.post(f"/t/{PAGE}/{self.psid}/{form}", data=fields)
        self.emulator.dispatcher.settle()
        return answer

    def is_sent(self, *buttons: dict[str, str], text: str = "Log in to see your orders") -> str:
        """Receive a message with *buttons* from the Page; return its id."""
        payload = {"template_type": "button", "text": text, "buttons": buttons}
        content = {
            "access_token": self.emulator.settings.pages[0].token,
            "recipient": {"id": self.psid},
            "message": {"attachment": {"type": "template", "payload": payload}},
        }
        self._browser.post("/v26.0/me/messages", json=content)
        return self.thread.messages[-1].id

    def taps_log_in(self) -> str:
        """Return the redirect_uri with which the business's login page is opened."""
        self.emulator.state.set_linking_url(PAGE, "https://shop.example/authorize")
        login = self.submits("log-in").headers["Location"]
        return parse_qs(urlsplit(login).query)["redirect_uri"][0]

    def comes_back(self, added: str = "&authorization_code=tl_4f") -> TestResponse:
        """Tap Log In and return at once, with *added* appended to redirect_uri."""
        return self.opens(self.taps_log_in() + added)


def error(answer: TestResponse) -> dict[str, Any]:
    """Return the error object of Graph's answer."""
    content: dict[str, Any] = answer.get_json()["error"]
    return content


def journal_titles(emulator: Emulator) -> list[str]:
    """Return the titles of the inspector's entries, newest first."""
    return [entry.exchange.title for entry in emulator.journal.entries()]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as webhook:
        yield webhook


@pytest.fixture
def settings(webhook: Webhook) -> EmulatorSettings:
    return EmulatorSettings(
        app_id="100200300400500",
        app_secret="60efff025951cddde78c8d03de52cc90",
        verify_token="meatyhamhock",
        webhook_url=webhook.url,
        pages=(
            PageSettings(PAGE, "Harbour Coffee", "EAAharbour-token-0123456789"),
            PageSettings(OTHER_PAGE, "Corner Books", "EAAcorner-token-0123456789"),
        ),
        people=("Ana Berg", "Ben Okafor"),
    )


@pytest.fixture
def app(settings: EmulatorSettings, clock: ManualClock) -> Iterator[Flask]:
    app = create_emulator(settings, clock=clock, origin=ORIGIN)
    yield app
    emulator_of(app).dispatcher.close()


@pytest.fixture
def emulator(app: Flask) -> Emulator:
    return emulator_of(app)


@pytest.fixture
def ana(app: Flask) -> Person:
    return Person(app, "Ana Berg")


@pytest.fixture
def ben(app: Flask) -> Person:
    return Person(app, "Ben Okafor")


@pytest.fixture
def graph(app: Flask, settings: EmulatorSettings) -> FlaskClient:
    """Return a Graph client with the token of the first page."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {settings.pages[0].token}"
    return client
