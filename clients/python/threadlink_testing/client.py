"""A running emulator, as a test steers and reads it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import requests

from threadlink_testing.control import TIMEOUT_SECONDS, ControlClient, EmulatorError
from threadlink_testing.exchange import Exchange, exchange_from
from threadlink_testing.people import Person


class Messenger:
    """A running emulator. `env` holds the settings that your server needs to talk to it.

    *description* is the line that ``threadlink emulator --json`` prints, parsed.
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.url: str = description["url"]
        self.graph_url: str = description["graph_url"]
        # In place of https://m.me.
        self.m_me_url: str = description["m_me_url"]
        self.inspector_url: str = description["inspector_url"]
        self.env: dict[str, str] = dict(description["env"])
        self.page_tokens: dict[str, str] = dict(description["page_tokens"])
        self._control = ControlClient(description["control_url"], description["control_key"])
        self.people: list[Person] = [
            Person(self._control, page["id"], person)
            for page in description["pages"]
            for person in page["people"]
        ]

    def person(self, name: str, page_id: str | None = None) -> Person:
        """Return the person called *name*, on *page_id* or else on the first page.

        Raises:
            LookupError: The emulator was started without a person of that name.
        """
        for person in self.people:
            if person.name == name and page_id in {None, person.page_id}:
                return person
        raise LookupError(f"no {name} among {sorted({each.name for each in self.people})}")

    def newcomer(self, name: str, page_id: str | None = None) -> Person:
        """Return a new person, who has not written to any page; a reset removes them.

        Raises:
            EmulatorError: Somebody is called *name* already.
        """
        threads = self._control.call("POST", "/people", name=name)
        here = page_id or self.env["PAGE_ID"]
        thread = next(each for each in threads if each["page_id"] == here)
        chat_url = self.url + thread["chat_path"]
        known = {"name": name, "psid": thread["psid"], "chat_url": chat_url}
        return Person(self._control, here, known)

    def deliver_to(self, webhook_url: str | None) -> None:
        """Subscribe *webhook_url* to every event, as if in Meta's dashboard; None unsubscribes."""
        self._control.call("PUT", "/webhook", url=webhook_url)

    def set_linking_url(self, url: str, page_id: str | None = None) -> None:
        """Set the account_linking_url of a page, as your server would through Graph."""
        self._set_profile(page_id, account_linking_url=url)

    def set_get_started(self, payload: str = "GET_STARTED", page_id: str | None = None) -> None:
        """Give a page a Get Started button, without which a new chat tells no ref."""
        self._set_profile(page_id, get_started={"payload": payload})

    def _set_profile(self, page_id: str | None, **content: Any) -> None:
        token = self.page_tokens[page_id or self.env["PAGE_ID"]]
        with requests.Session() as session:
            session.trust_env = False
            response = session.post(
                f"{self.graph_url}/me/messenger_profile",
                json=content,
                headers={"Authorization": f"Bearer {token}"},
                timeout=TIMEOUT_SECONDS,
            )
        if not response.ok:
            raise EmulatorError(response.text)

    def turn_on(self, fault: str, times: int | None = None) -> None:
        """Turn *fault* on: until it is turned off, or for *times* occurrences."""
        self._control.call("PUT", f"/faults/{fault}", times=times)

    def turn_off(self, fault: str) -> None:
        self._control.call("DELETE", f"/faults/{fault}")

    @contextmanager
    def fault(self, *names: str) -> Iterator[None]:
        """Turn the named faults on for the length of a with statement."""
        for name in names:
            self.turn_on(name)
        try:
            yield
        finally:
            for name in names:
                self.turn_off(name)

    def faults(self) -> dict[str, str]:
        """Return every fault by name, with a sentence on what it does."""
        return {row["name"]: row["does"] for row in self._control.call("GET", "/faults")}

    def advance(self, by: timedelta) -> None:
        """Move Messenger's clock forward, and make every delivery that falls due on the way."""
        self._control.call("POST", "/time", advance_seconds=by.total_seconds())

    def return_to_now(self) -> None:
        """Set Messenger's clock back to this computer's, which your server uses."""
        self._control.call("DELETE", "/time")

    def settle(self) -> None:
        """Wait until every queued webhook has been delivered or has failed."""
        self._control.call("POST", "/settle")

    def received(self, *kinds: str) -> list[Exchange]:
        """Return the exchanges so far, oldest first; *kinds*: webhook, graph, browser, …."""
        rows = self._control.call("GET", "/exchanges")
        return [exchange_from(row) for row in rows if not kinds or row["kind"] in kinds]

    def reset(self) -> None:
        """Return to the state after the start: no faults, links or messages, and the real time."""
        self._control.call("POST", "/reset")
