"""A person who chats with a page of the emulator."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import requests

from threadlink_testing.control import TIMEOUT_SECONDS, ControlClient, EmulatorError
from threadlink_testing.window import Window


class Person:
    """A person who chats with a page, and opens your pages in Messenger's in-app browser."""

    def __init__(
        self, control: ControlClient, page_id: str, description: Mapping[str, str]
    ) -> None:
        self.name = description["name"]
        self.psid = description["psid"]
        self.page_id = page_id
        self._control = control
        self._chat = description["chat_url"]

    @property
    def is_linked(self) -> bool:
        """True if Messenger shows Log Out."""
        return bool(self._thread()["linked"])

    @property
    def messages(self) -> list[str]:
        """The texts in the thread, oldest first; the titles of a message made of cards."""
        messages = self._thread()["messages"]
        return [each["text"] or " / ".join(each["cards"]) for each in messages]

    def says(self, text: str) -> None:
        """Write to the page, and wait until the event has been delivered to your webhook."""
        self._post("messages", text=text)
        self._control.call("POST", "/settle")

    def follows_link(self, ref: str) -> None:
        """Follow the m.me link with *ref* into the chat, and tap Get Started in an empty one."""
        failure = self.has("referral" if self.messages else "get-started", ref=ref)
        if failure is not None:
            raise EmulatorError(failure)

    def opens(self, m_me_url: str) -> None:
        """Open a link by m.me, and tap Get Started if the chat is new and the page has that button.

        Waits until your webhook has got what comes of it.

        Raises:
            LookupError: The link leads to another page, or to none.
        """
        parts = urlsplit(m_me_url)
        fields = dict(parse_qsl(parts.query))
        answer = requests.post(
            urlunsplit((*parts[:3], "", "")),
            data={**fields, "who": self.psid},
            timeout=TIMEOUT_SECONDS,
        )
        if not answer.ok or f"/{self.page_id}/" not in answer.url:
            raise LookupError(f"{m_me_url} opens no chat with page {self.page_id}")
        if not self._thread()["started"]:
            self._post("get-started")
        self._control.call("POST", "/settle")

    def taps(self, title: str) -> None:
        """Tap the newest button or quick reply called *title*; wait until the webhook has it.

        Raises:
            LookupError: There is none that answers in the chat.
        """
        button = self._newest_button("postback", title) or self._newest_button("quick_reply", title)
        if button is None:
            raise LookupError(f"no button {title!r} in the chat: {self.messages}")
        self._post("tap", **button)
        self._control.call("POST", "/settle")

    def taps_log_in(self) -> Window:
        """Tap Log In and return the page that your server shows.

        The button is the newest Log In of the thread; without one, the Log In that Messenger shows
        for the page's account_linking_url.
        """
        button = self._newest_button("account_link")
        window = Window()
        if button is None:
            return window.opens(f"{self._chat}/log-in", {})
        return window.opens(f"{self._chat}/tap", button)

    def logs_out(self) -> None:
        """Tap Log Out, and wait until the event has been delivered to your webhook."""
        button = self._newest_button("account_unlink")
        if button is None:
            self._post("log-out")
        else:
            self._post("tap", **button)
        self._control.call("POST", "/settle")

    def has(self, what: str, **more: Any) -> str | None:
        """Trigger *what* (linked, unlinked, message …); return why it failed, or None.

        *more* are code, text, ref, twice, late_seconds.
        """
        who = {"page_id": self.page_id, "psid": self.psid}
        outcome = self._control.call("POST", "/trigger", what=what, **who, **more)
        return outcome["failure"]["reason"] if outcome["failure"] else None

    def _thread(self) -> Any:
        threads = self._control.call("GET", "")["threads"]
        me = (self.page_id, self.psid)
        return next(each for each in threads if (each["page_id"], each["psid"]) == me)

    def _newest_button(self, kind: str, title: str | None = None) -> dict[str, str] | None:
        for message in reversed(self._thread()["messages"]):
            for position, button in enumerate(message["buttons"]):
                if button["kind"] == kind and title in {None, button["title"]}:
                    return {"message": message["id"], "button": str(position)}
        return None

    def _post(self, form: str, **fields: str) -> None:
        response = requests.post(f"{self._chat}/{form}", data=fields, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
