"""m.me links: a person follows one into a thread, and the webhook hears of its ref.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/discovery/m-me-links
"""

import re
import secrets
from dataclasses import replace
from typing import Any, Final

from app.emulator import ids
from app.emulator.context import Emulator
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.state import Message, Thread
from app.emulator.webhooks import events
from app.emulator.webhooks.events import Event

# https://developers.facebook.com/docs/messenger-platform/discovery/m-me-links
_ENTERED: Final = (
    "You have entered this conversation by following a link. We’ve let {} know you’re here."
)
_GET_STARTED: Final = "Get Started"
# Up to 2,083 characters, of letters, digits, "-", "_" and "=".
_REF: Final = re.compile(r"[A-Za-z0-9_=-]{1,2083}")
_UNTOLD: Final = (
    ("ref-lost", failures.REF_LOST),
    ("page-unpublished", failures.PAGE_UNPUBLISHED),
)
_FAULTS: Final = ("ref-twice", "ref-late", "ref-user-ref", "ref-standby", "no-source")


def is_ref(text: str) -> bool:
    """Tell whether *text* can be the ref of a link, as Meta documents it."""
    return _REF.fullmatch(text) is not None


def arrive(emulator: Emulator, thread: Thread, ref: str) -> tuple[Failure | None, tuple[str, ...]]:
    """Bring the person of *thread* there by the link with *ref*.

    A thread that exists tells the webhook at once; a new one does with Get Started. Returns why
    nothing will be told, if so, and the faults behind it.
    """
    state, at = emulator.state, (thread.page_id, thread.psid)
    is_known, button = thread.is_started, state.get_started(thread.page_id)
    if is_known:
        state.arrive(*at)
        enter(emulator, thread)
    for fault, failure in _UNTOLD:
        if emulator.faults.fires(fault):
            return failure, (fault,)
    if "ref-in-message" in emulator.faults.on():
        state.keep_ref(*at, ref)
        return None, ("ref-in-message",)
    if is_known:
        emulator.dispatcher.enqueue(under_faults(emulator, events.referral(thread, ref)))
    elif button is None:
        return failures.NO_GET_STARTED, ()
    else:
        state.keep_ref(*at, ref)
    return None, ()


def tap_get_started(emulator: Emulator, thread: Thread) -> None:
    """Tap the welcome screen's button; the webhook hears of the link that led there, if any."""
    payload, ref = emulator.state.get_started(thread.page_id), thread.untold_ref
    if payload is None or thread.is_started:
        return
    if ref is not None:
        enter(emulator, thread)
    message = say(emulator, thread, _GET_STARTED)
    told = None if "ref-in-message" in emulator.faults.on() else ref
    if told is not None:
        emulator.state.keep_ref(thread.page_id, thread.psid, None)
    event = get_started(emulator, thread, message, payload=payload, ref=told)
    emulator.dispatcher.enqueue(event)


def get_started(
    emulator: Emulator, thread: Thread, message: Message, *, payload: str, ref: str | None
) -> Event:
    """Return the event of Get Started, with *ref* that of the link behind it."""
    event = events.postback(thread, mid=message.id, title=message.text, payload=payload, ref=ref)
    return event if ref is None else under_faults(emulator, event)


def write(
    emulator: Emulator, thread: Thread, text: str, *, quick_reply: str | None = None
) -> Event:
    """Add what the person writes to the thread; return its event.

    *quick_reply* is the payload of the one that was tapped instead.
    """
    ref = thread.untold_ref
    message = say(emulator, thread, text)
    if ref is not None:
        emulator.state.keep_ref(thread.page_id, thread.psid, None)
    if ref is None or not emulator.faults.fires("ref-in-message"):
        return events.message(thread, message, quick_reply=quick_reply)
    event = events.message(thread, message, quick_reply=quick_reply, ref=ref)
    told = under_faults(emulator, event)
    return replace(told, faults=(*told.faults, "ref-in-message"))


def say(emulator: Emulator, thread: Thread, text: str) -> Message:
    """Add *text* to the thread as the person's message."""
    message = Message(id=ids.message_id(), author="person", at=emulator.clock(), text=text)
    emulator.state.add_message(thread.page_id, thread.psid, message)
    return message


def enter(emulator: Emulator, thread: Thread) -> None:
    """Add the line that Messenger shows to whoever comes by a link."""
    page = emulator.state.pages[thread.page_id]
    emulator.state.add_notice(thread.page_id, thread.psid, _ENTERED.format(page.name))


def under_faults(emulator: Emulator, event: Event) -> Event:
    """Return *event*, which has a referral, under the faults of referrals that are on."""
    fired = tuple(name for name in _FAULTS if emulator.faults.fires(name))
    return replace(
        event,
        content=_without_source(event.content) if "no-source" in fired else event.content,
        faults=fired,
        user_ref=secrets.token_urlsafe(9) if "ref-user-ref" in fired else None,
    )


def _without_source(content: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_source(value) if isinstance(value, dict) else value
        for name, value in content.items()
        if name != "source"
    }
