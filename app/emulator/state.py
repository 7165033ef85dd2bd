"""The state of the simulated Messenger: pages, threads, tokens, subscriptions.

Its methods return immutable values; every change is made under one lock.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from app.emulator import ids
from app.emulator.clock import Clock
from app.emulator.settings import EmulatorSettings, PageSettings, psid_for

# https://developers.facebook.com/docs/messenger-platform/identity/account-linking, 2018.
TOKEN_LIFETIME = timedelta(minutes=5)
DEFAULT_FIELDS = (
    "messages",
    "messaging_postbacks",
    "messaging_referrals",
    "messaging_account_linking",
)


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a template; fields that its kind does not have are empty."""

    kind: Literal["account_link", "account_unlink", "web_url", "postback", "quick_reply"]
    title: str
    url: str = ""
    payload: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """An element of a generic template."""

    title: str
    subtitle: str
    has_image: bool
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of a thread, or a line that Messenger itself adds ("notice")."""

    id: str
    author: Literal["page", "person", "notice"]
    at: datetime
    text: str = ""
    buttons: tuple[Button, ...] = ()
    cards: tuple[Card, ...] = ()
    # Shown while this is the last message of the thread.
    quick_replies: tuple[Button, ...] = ()

    @property
    def all_buttons(self) -> tuple[Button, ...]:
        """Every button, in the order of the screen."""
        of_cards = tuple(button for card in self.cards for button in card.buttons)
        return (*self.buttons, *of_cards, *self.quick_replies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The conversation of one person with one page; a PSID is valid with its page only."""

    page_id: str
    psid: str
    person: str
    linked: bool = False
    typing: bool = False
    seen: bool = False
    messages: tuple[Message, ...] = ()
    # The ref of the m.me link by which the person came; it is told with what they do next.
    untold_ref: str | None = None
    # The last thing that the person did: for 24 hours the Page may answer.
    acted_at: datetime | None = None
    # Rises with each change, so that an open chat knows when to reload.
    version: int = 0

    @property
    def is_started(self) -> bool:
        """True once person or Page has said something: a link leads into an existing thread."""
        return any(message.author != "notice" for message in self.messages)

    @property
    def open_quick_replies(self) -> tuple[Button, ...]:
        """The quick replies that can still be tapped: those of the last message."""
        return self.messages[-1].quick_replies if self.messages else ()


@dataclass(frozen=True, slots=True)
class LinkingToken:
    """An account_linking_token with the thread for which it was issued."""

    token: str = field(repr=False)
    page_id: str
    psid: str
    issued_at: datetime
    # Counts the tokens of the thread.
    number: int
    used: bool = False

    def is_expired(self, at: datetime) -> bool:
        return at - self.issued_at >= TOKEN_LIFETIME


@dataclass(frozen=True, slots=True)
class AppSubscription:
    """The app's webhook."""

    callback_url: str
    fields: tuple[str, ...]
    # Meta deactivates a webhook that keeps failing; subscribing again activates it.
    is_active: bool = True


class State:
    """The state of one emulator. Thread-safe."""

    def __init__(self, settings: EmulatorSettings, clock: Clock) -> None:
        self.pages = {page.id: page for page in settings.pages}
        self._settings = settings
        self._clock = clock
        self._lock = threading.RLock()
        self._tokens: dict[str, LinkingToken] = {}
        self._tokens_of: Counter[tuple[str, str]] = Counter()
        self._linking_urls: dict[str, str] = {}
        self._get_started: dict[str, str] = {}
        self._threads: dict[tuple[str, str], Thread] = {}
        self._page_fields: dict[str, tuple[str, ...]] = {}
        self.app_subscription: AppSubscription | None = None
        self.reset()

    def reset(self) -> None:
        """Return to the settings: no links, no messages."""
        settings = self._settings
        with self._lock:
            self._tokens.clear()
            self._tokens_of.clear()
            self._linking_urls.clear()
            self._get_started.clear()
            before, self._threads = self._threads, {}
            for person in settings.people:
                for fresh in self.add_person(person):
                    known = before.get((fresh.page_id, fresh.psid))
                    # The version must not fall, or an open chat would miss the change.
                    version = known.version + 1 if known else 0
                    self._threads[fresh.page_id, fresh.psid] = replace(fresh, version=version)
        self.subscribe(settings.webhook_url)

    def subscribe(self, webhook_url: str | None) -> None:
        """Subscribe *webhook_url* to every event, as if in the dashboard; None unsubscribes."""
        fields: tuple[str, ...] = DEFAULT_FIELDS if webhook_url else ()
        with self._lock:
            self._page_fields = dict.fromkeys(self.pages, fields)
            self.app_subscription = (
                AppSubscription(webhook_url, DEFAULT_FIELDS) if webhook_url else None
            )

    def add_person(self, name: str) -> list[Thread]:
        """Return the threads of *name*, one with each page; new ones where there are none."""
        with self._lock:
            for page_id in self.pages:
                psid = psid_for(self._settings, page_id, name)
                fresh = Thread(page_id=page_id, psid=psid, person=name)
                self._threads.setdefault((page_id, psid), fresh)
            return [each for each in self._threads.values() if each.person == name]

    def page_with_token(self, token: str) -> PageSettings | None:
        return next((page for page in self.pages.values() if page.token == token), None)

    def linking_url(self, page_id: str) -> str | None:
        """Return the account_linking_url of the page's Messenger profile."""
        return self._linking_urls.get(page_id)

    def set_linking_url(self, page_id: str, url: str | None) -> None:
        with self._lock:
            if url is None:
                self._linking_urls.pop(page_id, None)
            else:
                self._linking_urls[page_id] = url

    def get_started(self, page_id: str) -> str | None:
        """Return the payload of the page's Get Started button; None where it has none."""
        return self._get_started.get(page_id)

    def set_get_started(self, page_id: str, payload: str | None) -> None:
        with self._lock:
            if payload is None:
                self._get_started.pop(page_id, None)
            else:
                self._get_started[page_id] = payload

    def page_fields(self, page_id: str) -> tuple[str, ...]:
        return self._page_fields.get(page_id, ())

    def set_page_fields(self, page_id: str, fields: tuple[str, ...]) -> None:
        with self._lock:
            self._page_fields[page_id] = fields

    def threads(self, page_id: str) -> list[Thread]:
        return [thread for thread in self._threads.values() if thread.page_id == page_id]

    def thread(self, page_id: str, psid: str) -> Thread:
        """Return a thread that is known to exist; a reset alone removes threads."""
        return self._threads[page_id, psid]

    def every_thread(self) -> list[Thread]:
        return list(self._threads.values())

    def find_thread(self, page_id: str, psid: str) -> Thread | None:
        return self._threads.get((page_id, psid))

    def add_message(self, page_id: str, psid: str, message: Message) -> None:
        """Append *message* to the thread; it ends the typing indicator and “Seen”."""
        by_person = message.author == "person"
        self._change(
            page_id,
            psid,
            lambda thread: replace(
                thread,
                messages=(*thread.messages, message),
                acted_at=message.at if by_person else thread.acted_at,
                typing=False,
                seen=False,
            ),
        )

    def add_notice(self, page_id: str, psid: str, text: str) -> None:
        notice = Message(id=ids.message_id(), author="notice", at=self._clock(), text=text)
        self.add_message(page_id, psid, notice)

    def arrive(self, page_id: str, psid: str) -> None:
        """Note that the person came by a link, which counts as something that they did."""
        at = self._clock()
        self._change(page_id, psid, lambda thread: replace(thread, acted_at=at))

    def keep_ref(self, page_id: str, psid: str, ref: str | None) -> None:
        """Keep the *ref* that is to be told with what the person does next; None: no longer."""
        self._change(page_id, psid, lambda thread: replace(thread, untold_ref=ref))

    def forget_messages(self, page_id: str, psid: str) -> None:
        """Return the thread to what it is before the first message."""
        self._change(
            page_id,
            psid,
            lambda thread: replace(thread, messages=(), untold_ref=None, acted_at=None),
        )

    def set_linked(self, page_id: str, psid: str, *, linked: bool) -> None:
        self._change(page_id, psid, lambda thread: replace(thread, linked=linked))

    def show_sender_action(self, page_id: str, psid: str, action: str) -> None:
        """Show a sender action of the Page: mark_seen, typing_on or typing_off."""
        if action == "mark_seen":
            self._change(page_id, psid, lambda thread: replace(thread, seen=True))
        else:
            typing = action == "typing_on"
            self._change(page_id, psid, lambda thread: replace(thread, typing=typing))

    def _change(self, page_id: str, psid: str, change: Callable[[Thread], Thread]) -> None:
        with self._lock:
            thread = self._threads[page_id, psid]
            self._threads[page_id, psid] = replace(change(thread), version=thread.version + 1)

    def issue_token(self, page_id: str, psid: str) -> str:
        """Return a new account_linking_token for one tap on Log In."""
        token = ids.account_linking_token()
        with self._lock:
            self._tokens_of[page_id, psid] += 1
            number = self._tokens_of[page_id, psid]
            self._tokens[token] = LinkingToken(token, page_id, psid, self._clock(), number)
        return token

    def find_token(self, token: str) -> LinkingToken | None:
        return self._tokens.get(token)

    def use_token(self, token: str) -> bool:
        """Mark the token as used, and tell whether it was unused before."""
        with self._lock:
            known = self._tokens[token]
            self._tokens[token] = replace(known, used=True)
        return not known.used
