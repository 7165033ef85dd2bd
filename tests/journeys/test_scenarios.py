"""The scenarios of the page of faults, played in the demo: each ends as its card says."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

import pytest
import requests

from app.emulator.faults.scenarios import SCENARIOS
from tests.actors import Person
from tests.browsers import OverSockets
from tests.journeys.program import Threadlink

SECONDS: Final = 30
MOST_LOOKS: Final = 5000


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo with its first person, Ana."""

    threadlink: Threadlink
    told: Mapping[str, Any]

    @contextmanager
    def playing(self, scenario: str) -> Iterator[None]:
        self.posts(f"{self.told['faults_url']}/scenarios/{scenario}", to="on")
        yield
        self.posts(f"{self.told['faults_url']}/all-off")

    def links(self) -> int:
        shown = self.threadlink.does("-e", self.told["env_file"], "links", "show", "--json")
        return len([json.loads(line) for line in shown.splitlines()])

    def log_in(self, *, connects: bool = True) -> str:
        """Tap Log In, sign in and connect, as far as that goes; return the last page."""
        browser = OverSockets(self.told["server_url"])
        person = Person(browser)
        person.opens(self.posts(f"{self.told['chat_url']}/log-in").headers["Location"])
        person.follows()
        person.signs_in(self.told["username"], self.told["password"])
        if connects:
            person.connects()
            page = requests.get(person.sees.location, timeout=SECONDS).text
        else:
            page = person.sees.text
        browser.close()
        return unescape(page)

    def says(self, text: str) -> str:
        """Say *text* in the chat, and return the chat once the bot has answered."""
        before = self.chat().count("Hi Ana Berg!")
        self.posts(f"{self.told['chat_url']}/messages", text=text)
        for _ in range(MOST_LOOKS):
            if self.chat().count("Hi Ana Berg!") > before:
                break
        return self.chat()

    def chat(self) -> str:
        return unescape(requests.get(f"{self.told['chat_url']}/messages", timeout=SECONDS).text)

    def posts(self, address: str, **fields: str) -> requests.Response:
        answer = requests.post(address, data=fields, allow_redirects=False, timeout=SECONDS)
        answer.raise_for_status()
        return answer


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    threadlink = Threadlink(tmp_path_factory.mktemp("demo"))
    ports = ("--port", "0", "--emulator-port", "0")
    with threadlink.serves("demo", "--json", *ports) as served:
        yield Demo(threadlink, served.described)


@pytest.fixture
def demo(running: Demo) -> Iterator[Demo]:
    """Yield the demo with nobody connected."""
    assert 0 == running.links()
    yield running
    running.posts(f"{running.told['faults_url']}/time", by="now")
    if running.links():
        running.threadlink.does("-e", running.told["env_file"], "links", "unlink", ana(running))


def ana(demo: Demo) -> str:
    psid: str = demo.told["pages"][0]["people"][0]["psid"]
    return psid


def test_page_token_expired(demo: Demo) -> None:
    with demo.playing("token-expired"):
        page = demo.log_in(connects=False)

    assert re.search("our (?:fault|side)", page)
    assert 0 == demo.links()


def test_webhook_down(demo: Demo) -> None:
    with demo.playing("webhook-down"):
        page = demo.log_in()
    in_between = demo.links()
    demo.posts(f"{demo.told['faults_url']}/time", by="1-hour")

    assert "Account Linking Failed" in page
    assert (0, 1) == (in_between, demo.links())


def test_delivered_twice(demo: Demo) -> None:
    """The second answer shows that the first message got no second one."""
    with demo.playing("delivered-twice"):
        page = demo.log_in()
        demo.says("hi")
        chat = demo.says("and again")

    assert "You’re logged in" in page
    assert 1 == demo.links()
    assert 2 == chat.count("Hi Ana Berg!")


def test_forged_delivery(demo: Demo) -> None:
    with demo.playing("forged-delivery"):
        page = demo.log_in()

    assert "Your server refused this delivery, and was right" in page
    assert 0 == demo.links()


def test_slow_webhook(demo: Demo) -> None:
    with demo.playing("slow-webhook"):
        page = demo.log_in()

    assert "did not answer within 5 seconds" in page
    assert 1 == demo.links()


def test_names_hidden(demo: Demo) -> None:
    with demo.playing("names-hidden"):
        page = demo.log_in(connects=False)

    assert re.search("can(?:not|’t) name", page)
    assert "Ana" not in page


def test_page_in_europe(demo: Demo) -> None:
    """The Log In of the chat’s details opens the page without the way back."""
    with demo.playing("europe-page"):
        opened = demo.posts(f"{demo.told['chat_url']}/log-in").headers["Location"]
        page = requests.get(opened, timeout=SECONDS)

    assert "redirect_uri" not in opened
    assert "This link doesn’t work" in unescape(page.text)
    assert 0 == demo.links()


def test_each_scenario_is_played_here() -> None:
    played = {name.removeprefix("test_").replace("_", "-") for name in globals()}

    assert {card.title.lower().replace(" ", "-") for card in SCENARIOS.values()} <= played


def test_the_pages_of_the_demo_have_the_colour_and_logo_of_its_chat(demo: Demo) -> None:
    opened = demo.posts(f"{demo.told['chat_url']}/log-in").headers["Location"]
    page = requests.get(opened, timeout=SECONDS).text
    brand = re.findall(r'(?:href|src)="(/brand/[^"]+)"', page)
    server = demo.told["server_url"]
    logo = requests.get(f"{demo.told['url']}/static/pictures/harbour-coffee.png", timeout=SECONDS)

    served = [requests.get(server + path, timeout=SECONDS) for path in brand]
    assert any("#0f766e" in answer.text for answer in served if "css" in answer.url)
    assert logo.content in [answer.content for answer in served]
    assert "https://harbour-coffee.example/help" in page
