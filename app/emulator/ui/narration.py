"""The inspector's rows in plain words: who calls whom, and what for."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.emulator.state import State
from app.emulator.ui.calls import json_object, quoted, words_of_call
from app.emulator.webhooks.journal import Entry, Exchange

_THREADLINK: Final = "Threadlink"
# How Threadlink names itself, and a bot beside it does not.
_USER_AGENT: Final = "threadlink"
_SUFFIX: Final = re.compile(
    r"(?:, retry \d+|, again|, an hour late| \(not sent\)| \(held back until [^)]+\))*$"
)
_OF_EVENTS: Final[Mapping[str, str]] = {
    "linked": "says that {} logged in",
    "unlinked": "says that {} logged out",
    "message": "delivers a message of {}",
    "postback": "says that {} tapped a button",
    "referral": "says that {} followed a link into the chat",
    "read": "says that {} has read the chat",
    "unknown status": "delivers a status about {} that nobody documents",
}
_OF_CALLBACKS: Final[Mapping[str, str]] = {
    "data-deletion": "asks to delete the data of {}",
    "deauthorize": "says that {} removed the app",
}
_BY_LINK: Final = ", who followed a link"
_REFUSED_LINK: Final = "follows a link whose ref is none"
_OF_RETURNS: Final[Mapping[str, str]] = {
    "linked": "comes back, logged in",
    "declined": "comes back, not logged in",
    "failed": "comes back, and the log-in fails",
}


def events_in(title: str) -> list[tuple[str, str]]:
    """Return kind and person of each event that *title*, the title of a delivery, names."""
    shown = _SUFFIX.sub("", title)
    pairs = (event.partition(", ") for event in shown.split(" + "))
    return [(kind, person) for kind, comma, person in pairs if comma]


def events_sent(body: str) -> list[dict[str, Any]]:
    """Return the events in *body*, a delivery, in their order."""
    entries = json_object(body).get("entry")
    lists = (
        entry.get(field)
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
        for field in ("messaging", "standby")
    )
    return [
        event
        for each in lists
        if isinstance(each, list)
        for event in each
        if isinstance(event, dict)
    ]


def sender_of(event: Mapping[str, Any]) -> str:
    sender = event.get("sender")
    return str(sender.get("id", "")) if isinstance(sender, dict) else ""


def first_name(person: str) -> str:
    return person.partition(" ")[0]


class Narrator:
    """Tells exchanges in words: it knows people by *state*, and Threadlink by its *entries*."""

    def __init__(self, state: State, entries: Iterable[Entry]) -> None:
        self._people = {each.psid: first_name(each.person) for each in state.every_thread()}
        is_known = any(_is_threadlinks(entry.exchange) for entry in entries)
        self._server = _THREADLINK if is_known else "Your server"

    def caller(self, exchange: Exchange) -> str:
        """Return who made the Graph call *exchange*."""
        if self._server != _THREADLINK or _is_threadlinks(exchange):
            return self._server
        return "Bot"

    def direction(self, exchange: Exchange) -> tuple[str, str]:
        """Return who calls whom."""
        match exchange.kind:
            case "graph":
                return self.caller(exchange), "Graph"
            case "browser":
                is_return = exchange.status is not None
                return "Browser", "Messenger" if is_return else self._server
            case "notice":
                return "Messenger", "Developers"
            case _:
                return "Messenger", self._server

    def words(self, exchange: Exchange) -> str:
        """Return what the caller does, as the rest of a sentence that begins with its name."""
        match exchange.kind:
            case "graph":
                return words_of_call(exchange, self._people)
            case "webhook":
                return self._of_delivery(exchange)
            case "privacy":
                return _of_callback(exchange)
            case "handshake":
                return "checks that the webhook is yours"
            case "browser":
                return _of_browser(exchange)
            case "notice":
                return exchange.title.removesuffix(" (not sent)")

    def _of_delivery(self, exchange: Exchange) -> str:
        named = events_in(exchange.title)
        # Those of strangers are a fault's: the title does not name them.
        sent = [each for each in events_sent(exchange.body) if sender_of(each) in self._people]
        contents = sent if len(sent) == len(named) else [{}] * len(named)
        said = (
            _of_event(kind, person, content)
            for (kind, person), content in zip(named, contents, strict=True)
        )
        suffix = _suffix(exchange.title)
        words = " + ".join(said) or f"delivers an event {exchange.title.removesuffix(suffix)}"
        return words + suffix


def _of_browser(exchange: Exchange) -> str:
    what, _, rest = exchange.title.partition(", ")
    if what == "return":
        return _OF_RETURNS[rest]
    if what == "m.me":
        return f"follows a link into {first_name(rest)}’s chat" if rest else _REFUSED_LINK
    return f"opens the log-in page for {first_name(rest)}"


def _of_callback(exchange: Exchange) -> str:
    suffix = _suffix(exchange.title)
    callback, _, person = exchange.title.removesuffix(suffix).partition(", ")
    return _OF_CALLBACKS[callback].replace("{}", first_name(person)) + suffix


def _of_event(kind: str, person: str, content: Mapping[str, Any]) -> str:
    name, about = first_name(person), content.get(kind)
    known = about if isinstance(about, dict) else {}
    text = known.get("text") or known.get("title")
    by_link = _BY_LINK if "referral" in known else ""
    if isinstance(text, str) and (kind == "postback" or "quick_reply" in known):
        return f"says that {name} tapped {quoted(text)}{by_link}"
    if isinstance(text, str) and kind == "message":
        return f"delivers {quoted(text)} from {name}{by_link}"
    return _OF_EVENTS.get(kind, "delivers an event of {}").replace("{}", name)


def _suffix(title: str) -> str:
    found = _SUFFIX.search(title)
    return found[0] if found else ""


def _is_threadlinks(exchange: Exchange) -> bool:
    if exchange.kind != "graph":
        return False
    agent = next((value for name, value in exchange.headers if name.lower() == "user-agent"), "")
    return agent.lower().startswith(_USER_AGENT)
