"""Triggers: events and callbacks sent on request instead of from a phone."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.emulator import ids, referrals
from app.emulator.context import Emulator
from app.emulator.faults.failures import Failure
from app.emulator.privacy import CALLBACKS, send_callback
from app.emulator.state import Thread
from app.emulator.webhooks import events
from app.emulator.webhooks.events import Event

_FIRST_PAYLOAD: Final = "GET_STARTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """An event or callback to send; values that are not given are made up."""

    what: str
    code: str | None = None
    text: str = "Hello!"
    # Of the m.me link.
    ref: str | None = None
    twice: bool = False
    # How long ago it happened; it is delivered now.
    late: timedelta = timedelta()


def run_trigger(emulator: Emulator, thread: Thread, trigger: Trigger) -> Failure | None:
    """Send *trigger* for the person of *thread*; None means that the server accepted it.

    Raises:
        ValueError: No trigger has that name, or ref is none that a link can have.
    """
    for callback in CALLBACKS:
        if trigger.what == callback:
            return send_callback(emulator, callback, thread.person)
    if trigger.ref is not None and not referrals.is_ref(trigger.ref):
        raise ValueError("ref is up to 2,083 letters, digits, -, _ and =")
    event = _event(emulator, thread, trigger)
    at = emulator.clock() - trigger.late
    failure = emulator.dispatcher.deliver(event, at=at)
    if trigger.twice:
        emulator.dispatcher.deliver(event, at=at)
    if failure is None and trigger.what in {"linked", "unlinked"}:
        linked = trigger.what == "linked"
        emulator.state.set_linked(thread.page_id, thread.psid, linked=linked)
    return failure


def _event(emulator: Emulator, thread: Thread, trigger: Trigger) -> Event:
    make = _EVENTS.get(trigger.what)
    if make is None:
        raise ValueError(f"one of {', '.join(TRIGGERS)}")
    return make(emulator, thread, trigger)


def _linked(_emulator: Emulator, thread: Thread, trigger: Trigger) -> Event:
    return events.linked(thread, trigger.code or f"emulator-{secrets.token_urlsafe(24)}")


def _message(emulator: Emulator, thread: Thread, trigger: Trigger) -> Event:
    return referrals.write(emulator, thread, trigger.text)


def _postback(_emulator: Emulator, thread: Thread, trigger: Trigger) -> Event:
    payload = trigger.code or _FIRST_PAYLOAD
    return events.postback(thread, mid=ids.message_id(), title=trigger.text, payload=payload)


def _get_started(emulator: Emulator, thread: Thread, trigger: Trigger) -> Event:
    """Return the event of the welcome screen's button; with a ref the person came by a link."""
    if trigger.ref is not None:
        referrals.enter(emulator, thread)
    message = referrals.say(emulator, thread, "Get Started")
    payload = trigger.code or emulator.state.get_started(thread.page_id) or _FIRST_PAYLOAD
    return referrals.get_started(emulator, thread, message, payload=payload, ref=trigger.ref)


def _referral(emulator: Emulator, thread: Thread, trigger: Trigger) -> Event:
    emulator.state.arrive(thread.page_id, thread.psid)
    referrals.enter(emulator, thread)
    event = events.referral(thread, trigger.ref or "emulator")
    return referrals.under_faults(emulator, event)


_EVENTS: Final[Mapping[str, Callable[[Emulator, Thread, Trigger], Event]]] = {
    "linked": _linked,
    "unlinked": lambda _emulator, thread, _trigger: events.unlinked(thread),
    "message": _message,
    "postback": _postback,
    "get-started": _get_started,
    "referral": _referral,
    "read": lambda emulator, thread, _trigger: events.read(thread, emulator.clock()),
    "unknown-status": lambda _emulator, thread, _trigger: events.of_unknown_status(thread),
}
EVENTS: Final = tuple(_EVENTS)
TRIGGERS: Final = (*EVENTS, *CALLBACKS)
