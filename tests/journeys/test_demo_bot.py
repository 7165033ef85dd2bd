"""The demo is a conversation: with the bot of examples/bot, behind Threadlink."""

from collections.abc import Mapping
from typing import Any

from playwright.sync_api import expect

from tests.journeys.mobile_browser import MobileBrowser


def test_the_bot_greets_knows_and_forgets(demo: Mapping[str, Any], phone: MobileBrowser) -> None:
    phone.opens(demo["chat_url"])
    phone.says("hi")
    phone.sees("Hi! Log in, and I know you.")
    phone.taps("Log In")
    phone.signs_in(demo["username"], demo["password"])
    phone.taps("Connect")
    phone.taps("Back to the chat")
    phone.sees("Welcome, Ana")
    # What was asked before Log In is answered now.
    phone.sees("You are j•••@example.com.")

    phone.says("hi again")
    answers = phone.page.get_by_role("main").get_by_text("You are j•••@example.com.")
    expect(answers).to_have_count(2)

    phone.says("log out")
    phone.sees("You are logged out. I have forgotten you.")

    phone.says("who am I?")
    # The second time: the first still stands above.
    expect(phone.page.get_by_text("Hi! Log in, and I know you.", exact=True)).to_have_count(2)
