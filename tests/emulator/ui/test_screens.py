"""The emulator's pages in Chromium."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # no types
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from app.emulator import EmulatorServer, EmulatorSettings
from tests.emulator.webhook_server import Webhook

PHONE = ViewportSize(width=390, height=844)
SMALL = ViewportSize(width=320, height=640)
DESK = ViewportSize(width=1280, height=900)
HOW_WIDE = "document.documentElement.scrollWidth - window.innerWidth"
Open = Callable[..., Page]


class Shop(Webhook):
    """A webhook with a login page of two links."""

    def answer_to(self, path: str) -> bytes:
        query = parse_qs(urlsplit(path).query)
        if "redirect_uri" not in query:
            return b""
        back = escape(query["redirect_uri"][0])
        links = f'<a href="{back}&amp;authorization_code=tl_4f">Yes</a> <a href="{back}">No</a>'
        return f"<!doctype html><title>Shop</title>{links}".encode()


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as shop:
        yield shop


@pytest.fixture
def server(settings: EmulatorSettings, shop: Shop) -> Iterator[EmulatorServer]:
    with EmulatorServer(replace(settings, webhook_url=shop.url)) as server:
        yield server


@pytest.fixture
def chat(server: EmulatorServer, shop: Shop, settings: EmulatorSettings) -> str:
    """Return the address of a chat with every kind of message."""
    person = server.description["pages"][0]["people"][0]
    login = {"type": "account_link", "url": f"{shop.origin}/login"}
    more = {"type": "postback", "title": "Order again", "payload": "7"}
    card = {"title": "Your order", "subtitle": "On its way", "image_url": "https://a.example"}
    templates = (
        {
            "template_type": "generic",
            "elements": [{**card, "buttons": [more]}, {**card, "buttons": [more]}],
        },
        {
            "template_type": "button",
            "text": "Log in to see your orders",
            "buttons": [login, {"type": "account_unlink"}],
        },
    )
    graph = f"{server.origin}/v26.0/me"
    token = {"access_token": settings.pages[0].token}
    requests.post(
        f"{graph}/messenger_profile", json={**token, "account_linking_url": login["url"]}, timeout=5
    ).raise_for_status()
    requests.post(f"{person['chat_url']}/messages", data={"text": "hello"}, timeout=5)
    for template in templates:
        content = {"attachment": {"type": "template", "payload": template}}
        to_ana = {**token, "recipient": {"id": person["psid"]}}
        requests.post(f"{graph}/messages", json={**to_ana, "message": content}, timeout=5)
    return person["chat_url"]


@pytest.fixture
def opens(browser: Browser) -> Iterator[Open]:
    """Yield a function that opens a URL on a device; no page may log to the console."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def opens(address: str, **device: Any) -> Page:
        contexts.append(browser.new_context(**{"viewport": PHONE, **device}))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield opens
    for context in contexts:
        context.close()
    assert [] == complaints


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(SMALL, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")],
    ids=["small", "phone, dark", "desk", "desk, dark"],
)
def test_every_screen_is_accessible_and_fits(
    size: ViewportSize, scheme: str, chat: str, server: EmulatorServer, opens: Open
) -> None:
    psid = chat.rpartition("/")[2]
    inspector = server.description["inspector_url"]
    declined = requests.post(f"{chat}/log-in", allow_redirects=False, timeout=5).headers["Location"]
    back = parse_qs(urlsplit(declined).query)["redirect_uri"][0]
    page = opens(chat, viewport=size, color_scheme=scheme)

    for address in (
        chat,
        f"{chat}/details",
        f"{server.origin}/chats/{psid}",
        f"{server.origin}/m.me/{chat.split('/')[-2]}?ref=summer-26&choose=1",
        f"{chat}?ref=summer-26&text=K7F2-M9QA",
        back,
        inspector,
        f"{inspector}/1",
        server.description["faults_url"],
    ):
        page.goto(address)
        found = Axe().run(page).response["violations"]
        wide = page.evaluate(HOW_WIDE)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        wide_when_larger = page.evaluate(HOW_WIDE)

        assert [] == [each["id"] for each in found]
        assert (0, 0) == (max(0, wide), max(0, wide_when_larger)), address


def test_the_failure_page_is_accessible(
    chat: str, server: EmulatorServer, browser: Browser
) -> None:
    """
    Apart from the others: Chromium reports its status of 400 on the console.
    """
    with browser.new_context(viewport=SMALL) as context:
        page = context.new_page()
        page.goto(f"{server.origin}/messenger_platform/account_linking/")

        found = Axe().run(page).response["violations"]

        assert [] == [each["id"] for each in found]
        page.get_by_role("link", name="Back to the chat").click()
        expect(page).to_have_url(chat)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_a_person_links_and_unlinks_by_tapping(
    script: bool,  # noqa: FBT001 (a parameter of the test)
    chat: str,
    server: EmulatorServer,
    shop: Shop,
    opens: Open,
) -> None:
    page = opens(chat, java_script_enabled=script)

    page.get_by_role("button", name="Log In").click()
    page.get_by_role("link", name="Yes").click()
    expect(page.get_by_role("heading", name="You’re logged in")).to_be_visible()
    page.get_by_role("link", name="Back to the chat").click()
    expect(page.get_by_text("You logged in to Harbour Coffee.")).to_be_visible()
    page.get_by_role("link", name="Details of this chat").click()
    page.get_by_role("button", name="Log Out").click()
    expect(page.get_by_text("You logged out of Harbour Coffee.")).to_be_visible()
    server.settle()

    about_links = [event for event in shop.events() if "account_linking" in event]
    assert ["linked", "unlinked"] == [each["account_linking"]["status"] for each in about_links]


def test_a_person_who_declines_is_not_linked(chat: str, opens: Open) -> None:
    page = opens(f"{chat}/details")

    page.get_by_role("button", name="Log In").click()
    page.get_by_role("link", name="No").click()

    expect(page.get_by_role("heading", name="Not logged in")).to_be_visible()


def test_a_computer_shows_the_log_in_beside_the_inspector_and_closes_it_after(
    chat: str, opens: Open
) -> None:
    """A failure stays in view, as it explains itself."""
    page = opens(chat, viewport=DESK)
    page.evaluate("window.stillHere = true")
    log_in = page.get_by_role("button", name="Log In")

    for link in ("No", "Yes"):
        with page.expect_popup() as popup:
            log_in.click()
        with popup.value.expect_event("close"):
            popup.value.get_by_role("link", name=link).click()
    with page.expect_popup() as popup:
        log_in.click()
    window = popup.value
    # Until then the window is on its way to the log-in page, which would end the next step.
    expect(window.get_by_role("link", name="Yes")).to_be_visible()
    window.goto(f"{'/'.join(chat.split('/')[:3])}/messenger_platform/account_linking/")
    expect(window.get_by_role("heading", name="What happened")).to_be_visible()
    with window.expect_event("close"):
        window.get_by_role("link", name="Back to the chat").click()

    expect(page.get_by_text("You logged in to Harbour Coffee.")).to_be_visible()
    expect(page.locator(".log-in-outcome")).to_have_text(
        ["under way", "logged in", "not logged in"]
    )
    expect(page.locator(".log-in[open] .log-in-title")).to_have_text("Ana’s log-in 3")
    assert page.evaluate("window.stillHere")


def test_a_log_in_whose_window_is_refused_opens_in_place_of_the_chat(
    chat: str, shop: Shop, opens: Open
) -> None:
    page = opens(chat, viewport=DESK)
    page.evaluate("window.open = () => null")

    page.get_by_role("button", name="Log In").click()

    expect(page).to_have_url(re.compile(re.escape(shop.origin)))


def test_the_newest_message_is_in_view_without_script(chat: str, opens: Open) -> None:
    for text in ("one\n" * 40, "the newest"):
        requests.post(f"{chat}/messages", data={"text": text}, timeout=5)

    page = opens(chat, java_script_enabled=False)

    expect(page.locator("#messages").get_by_text("the newest")).to_be_in_viewport()


def test_an_open_chat_and_inspector_keep_themselves_fresh(
    chat: str, server: EmulatorServer, settings: EmulatorSettings, opens: Open
) -> None:
    page = opens(chat, viewport=DESK)
    entry = page.locator("details").first
    entry.locator("summary").click()
    page.evaluate("window.stillHere = true")

    page.get_by_label("Message to Harbour Coffee").fill("Where is my order?")
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("Where is my order?")
    # The delivery is listed when it has been answered.
    expect(page.locator(".entry-title").first).to_have_text(
        "delivers “Where is my order?” from Ana"
    )
    requests.post(
        f"{server.origin}/v26.0/me/messages",
        json={
            "access_token": settings.pages[0].token,
            "recipient": {"id": chat.rpartition("/")[2]},
            "message": {"text": "On its way!"},
        },
        timeout=5,
    )

    expect(page.locator("#messages")).to_contain_text("On its way!")
    expect(page.locator(".entry-title").first).to_have_text("sends “On its way!” to Ana")
    assert page.evaluate("window.stillHere")
    assert 1 == page.locator("details[open]").count()


def test_each_person_has_a_phone(chat: str, opens: Open) -> None:
    page = opens(chat)

    page.get_by_role("link", name="Ben").click()

    expect(page.get_by_text("You are Ben Okafor")).to_be_visible()
    expect(page.locator("#messages")).not_to_contain_text("hello")


@pytest.mark.usefixtures("chat")
def test_an_exchange_is_copied_sent_again_and_stays_open_over_a_reload(
    server: EmulatorServer, shop: Shop, opens: Open
) -> None:
    page = opens(
        server.description["inspector_url"] + "?only=webhook",
        permissions=["clipboard-read", "clipboard-write"],
    )
    page.locator("summary").last.press("Enter")

    page.get_by_role("link", name="Copy as curl").click()
    expect(page.get_by_role("status")).to_have_text("Copy as curl: done")
    copied = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator(".entry-title").first).to_have_text("delivers “hello” from Ana, again")
    page.reload()

    assert copied.startswith("curl -i -X POST")
    assert 1 == page.locator("details[open]").count()
    assert "hello" in page.locator("details[open]").inner_text()
    assert 2 == len(shop.events())


@pytest.mark.usefixtures("chat")
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_a_fault_is_found_and_switched_by_keyboard_alone(
    script: bool,  # noqa: FBT001 (a parameter of the test)
    server: EmulatorServer,
    opens: Open,
) -> None:
    """
    On the smallest phone, five presses of Tab lead from the field to the switch.
    """
    page = opens(server.description["faults_url"], viewport=SMALL, java_script_enabled=script)
    page.get_by_role("searchbox", name="Find a fault").focus()

    page.keyboard.type("no signature")
    if not script:
        page.keyboard.press("Enter")
    expect(page.locator("#found").get_by_role("switch")).to_have_count(1)
    page.get_by_role("searchbox").focus()
    # Find, the area, the source, Once, the switch.
    for _ in range(5):
        page.keyboard.press("Tab")
    expect(page.get_by_role("switch", name="unsigned")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("switch", name="unsigned")).to_be_checked()
    expect(page.get_by_role("searchbox")).to_have_value("no signature")
    page.get_by_role("link", name="Chat").click()
    expect(page.get_by_role("link", name="Faults 1 on")).to_be_visible()


@pytest.mark.usefixtures("chat")
def test_a_list_that_was_opened_is_open_after_a_switch_and_a_reload(
    server: EmulatorServer, opens: Open
) -> None:
    page = opens(server.description["faults_url"])
    expect(page.locator("#found").get_by_role("switch")).to_have_count(0)
    page.get_by_text("Signatures").click()

    page.get_by_role("switch", name="unsigned").click()
    expect(page.get_by_role("heading", name="On now")).to_be_visible()
    page.get_by_role("button", name="Turn it off").click()
    expect(page.get_by_role("heading", name="On now")).to_have_count(0)
    page.reload()

    expect(page.get_by_role("switch", name="unsigned")).to_be_visible()


@pytest.mark.usefixtures("chat")
def test_arrow_keys_move_between_exchanges(server: EmulatorServer, opens: Open) -> None:
    page = opens(server.description["inspector_url"])
    summaries = page.locator("summary")

    summaries.first.press("ArrowDown")

    expect(summaries.nth(1)).to_be_focused()
