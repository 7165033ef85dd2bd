"""What happens in a thread, in the words of the webhook (messenger-platform.md 2.2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.emulator.clock import milliseconds
from app.emulator.state import Message, Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a thread, and the field one subscribes to in order to hear it."""

    field: str
    page_id: str
    psid: str
    # For the inspector: what, and who did it.
    title: str
    content: dict[str, Any]


def linked(thread: Thread, authorization_code: str) -> Event:
    content = {"status": "linked", "authorization_code": authorization_code}
    return _event(thread, "linked", "messaging_account_linking", {"account_linking": content})


def unlinked(thread: Thread) -> Event:
    """Return the event of a link that is gone: it has a status and no code."""
    content = {"status": "unlinked"}
    return _event(thread, "unlinked", "messaging_account_linking", {"account_linking": content})


def message(thread: Thread, said: Message) -> Event:
    content = {"mid": said.id, "text": said.text}
    return _event(thread, "message", "messages", {"message": content})


def postback(thread: Thread, *, mid: str, title: str, payload: str) -> Event:
    content = {"title": title, "payload": payload, "mid": mid}
    return _event(thread, "postback", "messaging_postbacks", {"postback": content})


def read(thread: Thread, at: datetime) -> Event:
    """Return the event of a person who has read everything up to *at*."""
    return _event(thread, "read", "message_reads", {"read": {"watermark": milliseconds(at)}})


def of_unknown_status(thread: Thread) -> Event:
    """Return a linking event with a status that nobody has documented: to be taken and ignored."""
    content = {"status": "suspended"}
    what = "unknown status"
    return _event(thread, what, "messaging_account_linking", {"account_linking": content})


def _event(thread: Thread, what: str, field: str, content: dict[str, Any]) -> Event:
    return Event(
        field=field,
        page_id=thread.page_id,
        psid=thread.psid,
        title=f"{what}, {thread.person}",
        content=content,
    )
