"""Triggers: events and callbacks sent on request instead of from a phone."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from app.emulator import ids
from app.emulator.context import Emulator
from app.emulator.faults.failures import Failure
from app.emulator.privacy import CALLBACKS, send_callback
from app.emulator.state import Message, Thread
from app.emulator.webhooks import events
from app.emulator.webhooks.events import Event

EVENTS: Final = ("linked", "unlinked", "message", "postback", "read", "unknown-status")
TRIGGERS: Final = (*EVENTS, *CALLBACKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """An event or callback to send; values that are not given are made up."""

    what: str
    code: str | None = None
    text: str = "Hello!"
    twice: bool = False
    # How long ago it happened; it is delivered now.
    late: timedelta = timedelta()


def run_trigger(emulator: Emulator, thread: Thread, trigger: Trigger) -> Failure | None:
    """Send *trigger* for the person of *thread*; None means that the server accepted it.

    Raises:
        ValueError: No trigger has that name.
    """
    for callback in CALLBACKS:
        if trigger.what == callback:
            return send_callback(emulator, callback, thread.person)
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
    match trigger.what:
        case "linked":
            return events.linked(thread, trigger.code or f"emulator-{secrets.token_urlsafe(24)}")
        case "unlinked":
            return events.unlinked(thread)
        case "message":
            message = Message(
                id=ids.message_id(), author="person", at=emulator.clock(), text=trigger.text
            )
            emulator.state.add_message(thread.page_id, thread.psid, message)
            return events.message(thread, message)
        case "postback":
            payload = trigger.code or "GET_STARTED"
            return events.postback(
                thread, mid=ids.message_id(), title=trigger.text, payload=payload
            )
        case "read":
            return events.read(thread, emulator.clock())
        case "unknown-status":
            return events.of_unknown_status(thread)
        case _:
            raise ValueError(f"one of {', '.join(TRIGGERS)}")
