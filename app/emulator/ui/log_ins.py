"""Log-ins in the inspector: the exchanges of one tap on Log In, under one heading."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from urllib.parse import parse_qsl

from app.emulator.state import LinkingToken, State
from app.emulator.ui.calls import call_of
from app.emulator.ui.narration import Narrator, events_in, events_sent, first_name, sender_of
from app.emulator.webhooks.journal import Entry, Exchange

Outcome = Literal["linked", "declined", "failed", "open", "abandoned"]
OUTCOMES: Final[dict[Outcome, str]] = {
    "linked": "logged in",
    "declined": "not logged in",
    "failed": "failed",
    "open": "under way",
    "abandoned": "not finished",
}
_RETURNS: Final[dict[str, Outcome]] = {
    "linked": "linked",
    "declined": "declined",
    "failed": "failed",
}


class LogIn:
    """One log-in: the tap, what the server asked meanwhile, the return, and its webhooks."""

    def __init__(self, token: LinkingToken, person: str) -> None:
        self.token = token
        self.person = person
        # Newest first.
        self.entries: list[Entry] = []
        self._returned: Outcome | None = None

    @property
    def title(self) -> str:
        return f"{first_name(self.person)}’s log-in {self.token.number}"

    @property
    def key(self) -> str:
        return f"{self.token.page_id}-{self.token.psid}-{self.token.number}"

    @property
    def is_over(self) -> bool:
        return self._returned is not None

    def outcome(self, at: datetime) -> Outcome:
        return self._returned or ("abandoned" if self.token.is_expired(at) else "open")

    def add(self, entry: Entry) -> None:
        self.entries.insert(0, entry)
        what, _, outcome = entry.exchange.title.partition(", ")
        is_return = entry.exchange.kind == "browser" and what == "return"
        # To reload the page of the return fails, and undoes nothing.
        if is_return and self._returned != "linked":
            self._returned = _RETURNS[outcome]


@dataclass(frozen=True, slots=True)
class Shown:
    """A place in the inspector's list: a log-in with the entries to show of it, or one entry."""

    entries: Sequence[Entry]
    log_in: LogIn | None = None


def grouped(state: State, narrator: Narrator, entries: Sequence[Entry]) -> list[Shown]:
    """Return *entries*, newest first; those of a log-in are where it began."""
    reader = _Reader(state, narrator, entries)
    places: list[Shown] = []
    known: set[str] = set()
    for entry in reversed(entries):
        log_in = reader.log_in_of(entry)
        if log_in is None:
            places.append(Shown((entry,)))
            continue
        log_in.add(entry)
        if log_in.key not in known:
            known.add(log_in.key)
            places.append(Shown(log_in.entries, log_in))
    return places[::-1]


class _Reader:
    """Finds the log-in of each entry, oldest first: by its token, its code, or its person."""

    def __init__(self, state: State, narrator: Narrator, entries: Sequence[Entry]) -> None:
        self._state = state
        self._narrator = narrator
        self._log_ins: dict[str, LogIn] = {}
        self._newest: dict[str, LogIn] = {}
        queries = [_query(entry.exchange) for entry in entries]
        self._tokens = {
            query["authorization_code"]: query.get("account_linking_token", "")
            for query in queries
            if "authorization_code" in query
        }

    def log_in_of(self, entry: Entry) -> LogIn | None:
        exchange = entry.exchange
        token = _query(exchange).get("account_linking_token")
        if token is not None:
            return self._with(token)
        if exchange.kind == "webhook":
            return self._of_delivery(exchange)
        return self._of_call(exchange) if exchange.kind == "graph" else None

    def _with(self, token: str) -> LogIn | None:
        known = self._state.find_token(token)
        if known is None:
            return None
        if token not in self._log_ins:
            person = self._state.thread(known.page_id, known.psid).person
            self._log_ins[token] = self._newest[known.psid] = LogIn(known, person)
        return self._log_ins[token]

    def _of_delivery(self, exchange: Exchange) -> LogIn | None:
        for event in events_sent(exchange.body):
            content = event.get("account_linking")
            code = content.get("authorization_code") if isinstance(content, dict) else None
            if isinstance(code, str):
                token = self._tokens.get(code)
                return self._with(token) if token else self._under_way(sender_of(event))
        if exchange.url:
            return None
        # One that was not sent has no body.
        people = [person for kind, person in events_in(exchange.title) if kind == "linked"]
        recent = (each for each in reversed(self._log_ins.values()) if each.person in people)
        return next(recent, None)

    def _of_call(self, exchange: Exchange) -> LogIn | None:
        call = call_of(exchange)
        log_in = self._under_way(call.psid)
        is_late = log_in is not None and log_in.token.is_expired(exchange.at)
        # A bot goes on talking, and may send the next button, while a log-in is under way.
        message = call.params.get("message")
        is_talk = isinstance(message, dict) and "attachment" in message
        is_others = self._narrator.caller(exchange) == "Bot" or call.edge == "unlink_accounts"
        return None if is_late or is_talk or is_others else log_in

    def _under_way(self, psid: str) -> LogIn | None:
        log_in = self._newest.get(psid)
        return None if log_in is None or log_in.is_over else log_in


def _query(exchange: Exchange) -> dict[str, str]:
    return dict(parse_qsl(exchange.url.partition("?")[2]))
