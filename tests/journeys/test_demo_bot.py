"""The demo is a conversation: with the bot of examples/bot, behind Threadlink."""

from collections.abc import Mapping
from typing import Any

from tests.journeys.phone import Phone


def test_the_bot_greets_knows_and_forgets(demo: Mapping[str, Any], phone: Phone) -> None:
    phone.opens(demo["chat_url"])
    phone.says("hi")
    phone.sees("Hi! Log in, and I know you.")
    phone.taps("Log In")
    phone.signs_in(demo["username"], demo["password"])
    phone.taps("Connect")
    phone.taps("Back to the chat")
    phone.sees("Welcome, Ana")

    phone.says("hi again")
    phone.sees("You are j•••@example.com.")

    phone.says("log out")
    phone.sees("You are logged out. I have forgotten you.")

    phone.says("who am I?")
    phone.sees("Hi! Log in, and I know you.")
