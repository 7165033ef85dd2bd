"""Links by m.me in the demo: three taps at a desktop, and the four ways into the chat."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.journeys.mobile_browser import PICTURES
from tests.journeys.program import Threadlink
from threadlink_testing import Messenger, Person, Window

DESKTOP: Final = ViewportSize(width=1280, height=900)
SMALL: Final = ViewportSize(width=320, height=568)
MOST_TABS: Final = 20
QUESTION: Final = "Connect this Messenger to"
MOST_LOOKS: Final = 5000


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo, with its simulated Messenger as a test steers it."""

    threadlink: Threadlink
    told: Mapping[str, Any]
    messenger: Messenger

    def begins(self) -> Window:
        """Sign in at /connect; return the browser, in which the link and the code are shown."""
        credentials = {name: self.told[name] for name in ("username", "password")}
        return Window().opens(self.told["connect_url"]).submits(**credentials)

    def links(self) -> list[Mapping[str, Any]]:
        shown = self.threadlink.does("-e", self.told["env_file"], "links", "show", "--json")
        return [json.loads(line) for line in shown.splitlines()]

    def forgets(self) -> None:
        for link in self.links():
            self.threadlink.does("-e", self.told["env_file"], "links", "unlink", link["psid"])
        self.messenger.reset()
        self.messenger.set_get_started()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    threadlink = Threadlink(folder)
    with threadlink.serves("demo", "--json", "--port", "0", "--emulator-port", "0") as served:
        described = json.loads((folder / "instance/emulator.json").read_text(encoding="utf-8"))
        yield Demo(threadlink, served.described, Messenger(described))


@pytest.fixture
def demo(running: Demo) -> Demo:
    """Return the demo with nobody connected, and nothing said."""
    running.forgets()
    return running


def link_on(page: Window) -> str:
    """Return the address behind *Open Messenger*."""
    (found,) = set(re.findall(r'href="([^"]*/m\.me/[^"]*\bref=[^"]*)"', page.text))
    return unescape(found)


def code_on(page: Window) -> str:
    codes: set[str] = set(re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", page.text))
    return codes.pop()


def is_asked(person: Person) -> bool:
    """Wait for the question in the chat, which the worker sends."""
    return any(QUESTION in " ".join(person.messages) for _ in range(MOST_LOOKS))


def by_get_started(person: Person, page: Window) -> None:
    person.opens(link_on(page))


def into_the_thread(person: Person, page: Window) -> None:
    person.says("hello")
    person.opens(link_on(page))


def ref_lost(person: Person, page: Window) -> None:
    person.opens(link_on(page))
    assert QUESTION not in " ".join(person.messages)
    person.says(code_on(page).lower().replace("-", " "))


def typed(person: Person, page: Window) -> None:
    person.says("hello")
    person.says(code_on(page))


@pytest.mark.parametrize("comes", [by_get_started, into_the_thread, ref_lost, typed])
def test_each_way_into_the_chat_makes_the_same_link(comes: Any, demo: Demo) -> None:
    # A chat is asked three questions an hour.
    person = demo.messenger.newcomer(comes.__name__)
    page = demo.begins()

    if comes is ref_lost:
        demo.messenger.turn_on("ref-lost", 1)
    comes(person, page)
    assert is_asked(person)
    before = demo.links()
    person.taps("Yes")
    in_between = demo.links()
    page.opens(page.url).submits(button="Yes, connect")

    assert [] == before == in_between
    (link,) = demo.links()
    assert (person.psid, "m.me") == (link["psid"], link["cause"])
    assert person.name == link["messenger_name"]


def shows(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"m_me-{name}.png")


@pytest.mark.parametrize("region", ["anywhere", "europe-page"])
def test_three_taps_at_a_desktop_after_the_sign_in(
    region: str, demo: Demo, browser: Browser
) -> None:
    """Also on a Page in Europe, where Log In is refused: the reason for this road."""
    if region == "europe-page":
        demo.messenger.turn_on(region)
    ana = demo.messenger.person("Ana Berg")
    ana.says("hi")
    context = browser.new_context(viewport=DESKTOP)
    # Who is at this browser's Messenger.
    chat = context.new_page()
    chat.goto(demo.told["chat_url"])
    site = context.new_page()
    site.goto(demo.told["connect_url"])
    site.get_by_label("Email or username").fill(demo.told["username"])
    site.get_by_label("Password", exact=True).fill(demo.told["password"])
    site.get_by_role("button", name="Log in", exact=True).click()
    shows(site, f"{region}-1-invited")

    messenger = opened_by(site, "Open Messenger")
    yes = messenger.get_by_role("button", name="Yes", exact=True)
    expect(yes).to_be_visible()
    shows(messenger, f"{region}-2-asked")
    yes.click()
    shows(messenger, f"{region}-3-agreed")
    site.bring_to_front()
    connect = site.get_by_role("button", name="Yes, connect")
    expect(connect).to_be_visible()
    shows(site, f"{region}-4-named")
    connect.click()

    expect(site.get_by_text("Connected to Ana Berg.")).to_be_visible()
    shows(site, f"{region}-5-connected")
    expect(messenger.get_by_role("button", name="Disconnect", exact=True)).to_be_visible()
    shows(messenger, f"{region}-6-told")
    context.close()
    (link,) = demo.links()
    assert (ana.psid, "m.me") == (link["psid"], link["cause"])


def test_by_keyboard_alone_without_script(demo: Demo, browser: Browser) -> None:
    """R81: to the link on a small dark screen; only the chat is another's work here."""
    person = demo.messenger.newcomer("Keyboard Berg")
    context = browser.new_context(
        java_script_enabled=False, viewport=SMALL, color_scheme="dark", reduced_motion="reduce"
    )
    site = context.new_page()
    site.goto(demo.told["connect_url"])
    reaches(site, site.get_by_label("Email or username"))
    site.keyboard.type(demo.told["username"])
    reaches(site, site.get_by_label("Password", exact=True))
    site.keyboard.type(demo.told["password"])
    site.keyboard.press("Enter")

    link = site.get_by_role("link", name="Open Messenger", exact=True)
    expect(link).to_be_visible()
    shows(site, "keyboard-1-invited")
    reaches(site, link)
    person.opens(str(link.get_attribute("href")))
    assert is_asked(person)
    person.taps("Yes")
    # It loads itself anew as well, less often than a test has time for.
    site.reload()
    connect = site.get_by_role("button", name="Yes, connect")
    expect(connect).to_be_visible()
    shows(site, "keyboard-2-named")
    reaches(site, connect)
    site.keyboard.press("Enter")

    expect(site.get_by_text("Connected to Keyboard Berg.")).to_be_visible()
    shows(site, "keyboard-3-connected")
    context.close()
    assert [person.psid] == [link["psid"] for link in demo.links()]


def reaches(page: Page, what: Locator) -> None:
    """Press Tab until *what* has the focus."""
    for _ in range(MOST_TABS):
        if what.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    expect(what).to_be_focused()


def opened_by(page: Page, link: str) -> Page:
    """Click *link*, which opens another window; return that."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=link, exact=True).click()
    return opened.value
