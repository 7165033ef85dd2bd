"""Chromium with the viewport of a phone, as a person uses it."""

import re
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, ConsoleMessage, ViewportSize, expect

PHONE: Final = ViewportSize(width=390, height=844)
SMALL: Final = ViewportSize(width=320, height=640)
PICTURES: Final = Path(__file__).parents[2] / "build/screenshots"

# Chromium itself says so of each answer that is an error: what was wrong, away, or too late.
REFUSED: Final = re.compile(r"Failed to load resource: .* status of (?:410|422|503) \(.*\)")

# What the two answers say, with a name on the page and without.
ANSWERS: Final = {
    "Connect": re.compile("^(?:Yes, connect|Connect)$"),
    "Cancel": re.compile("^(?:No, cancel|Cancel)$"),
}

# Patience costs nothing where all is well, and a busy machine must not look like a fault.
expect.set_options(timeout=30_000)


class MobileBrowser:
    """A browser context of phone size; *complaints* are the lines on the pages' consoles."""

    def __init__(self, browser: Browser, name: str, *, user_agent: str | None = None) -> None:
        self.complaints: list[str] = []
        self.context = browser.new_context(
            viewport=PHONE, device_scale_factor=2, user_agent=user_agent
        )
        self.page = self.context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self._name = name
        self._taken = 0

    def opens(self, address: str) -> None:
        self.page.goto(address)

    def taps(self, button: str) -> None:
        """Tap the last button or link that says *button*: what is newest in a chat is lowest.

        "Connect" and "Cancel" are found in either wording.
        """
        words: str | re.Pattern[str] = ANSWERS.get(button, button)
        named = self.page.get_by_role("button", name=words, exact=True)
        named.or_(self.page.get_by_role("link", name=words, exact=True)).last.click()

    def says(self, words: str) -> None:
        """Write *words* into the chat."""
        self.page.get_by_placeholder("Message").fill(words)
        self.taps("Send")

    def signs_in(self, username: str, password: str) -> None:
        self.page.get_by_label("Email or username").fill(username)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.taps("Log in")

    def sees(self, words: str) -> None:
        """Wait until *words* are visible, and take a screenshot."""
        expect(self.page.get_by_role("main").get_by_text(words).last).to_be_visible()
        self._taken += 1
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{self._name}-{self._taken:02}.png")

    def is_small(self) -> None:
        """Switch to the smallest supported viewport and the dark colour scheme."""
        self.page.set_viewport_size(SMALL)
        self.page.emulate_media(color_scheme="dark")

    def reads(self, pattern: str) -> str:
        """Return the text of the one group of *pattern* on the page."""
        line = self.page.get_by_text(re.compile(pattern)).last.inner_text()
        found = re.search(pattern, line)
        assert found is not None
        return found[1]

    def _note(self, message: ConsoleMessage) -> None:
        if not REFUSED.fullmatch(message.text):
            self.complaints.append(message.text)
