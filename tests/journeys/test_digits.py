"""CONFIRM_IN_CHAT as a person meets it: a phone, the page, and six digits in the chat."""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import expect

from tests.journeys.mobile_browser import MobileBrowser
from tests.journeys.program import Threadlink, emulated
from tests.journeys.test_by_hand import JANE, PASSWORD, filled
from tests.ports import free_port


@contextmanager
def _asking_for_digits(threadlink: Threadlink) -> Iterator[Mapping[str, Any]]:
    """Yield what an emulator says of itself, to which a server talks that asks for digits."""
    public_url = f"http://127.0.0.1:{free_port()}"
    with emulated(f"{public_url}/webhook") as there:
        own = {"SECRET_KEY": secrets.token_urlsafe(48), "PUBLIC_URL": public_url}
        values = {**there["env"], **own, "CONFIRM_IN_CHAT": "always"}
        (threadlink.folder / ".env").write_text(filled(values))
        threadlink.does("db", "upgrade")
        threadlink.does("accounts", "add", "--by-owner", JANE, typed=f"{PASSWORD}\n")
        threadlink.does("messenger", "set-url")
        with threadlink.serves("run") as server:
            yield there
            assert 0 == server.stops()[0]


def test_the_digits_of_the_chat_connect_and_no_others(
    threadlink: Threadlink, phone: MobileBrowser
) -> None:
    with _asking_for_digits(threadlink) as there:
        chat_url = there["chat_url"]
        phone.opens(chat_url)
        phone.says("Hello")
        phone.taps("Details of this chat")
        phone.taps("Log In")
        phone.signs_in(JANE, PASSWORD)
        phone.sees("If another person gave you this code, cancel.")

        # Messenger keeps the page open while one looks into the chat.
        chat = phone.context.new_page()
        chat.goto(chat_url)
        message = chat.get_by_role("main").get_by_text("It connects this Messenger profile").last
        expect(message).to_be_visible()
        (digits,) = re.findall(r"\d{3} \d{3}", message.inner_text())
        chat.close()
        phone.page.get_by_label("6-digit code").fill("000000" if digits != "000 000" else "111111")
        phone.taps("Connect")
        phone.sees("That code isn’t right.")
        phone.page.get_by_label("6-digit code").fill(digits)
        phone.taps("Connect")
        phone.sees("You’re logged in")
        linked = threadlink.does("links", "show")
        phone.opens("about:blank")

    assert "j•••@example.com" in linked
    assert 7 == len(digits)
