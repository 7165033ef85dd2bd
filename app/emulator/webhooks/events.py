"""Webhook events, as Meta documents them.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks, with a
page for each event; `account_linking` is that of messaging_account_linking.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.emulator.clock import milliseconds
from app.emulator.state import Message, Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event in a thread, with the webhook field that must be subscribed to receive it."""

    field: str
    page_id: str
    psid: str
    # The inspector's line: the kind of event, and the person.
    title: str
    content: dict[str, Any]
    # The faults of this event alone.
    faults: tuple[str, ...] = ()
    # In place of the PSID, as it was for people of the Chat Plugin.
    user_ref: str | None = None


def linked(thread: Thread, authorization_code: str) -> Event:
    content = {"status": "linked", "authorization_code": authorization_code}
    return _event(thread, "linked", "messaging_account_linking", {"account_linking": content})


def unlinked(thread: Thread) -> Event:
    """Return the event of an ended link: it has a status and no code."""
    content = {"status": "unlinked"}
    return _event(thread, "unlinked", "messaging_account_linking", {"account_linking": content})


def message(
    thread: Thread, message: Message, *, quick_reply: str | None = None, ref: str | None = None
) -> Event:
    """Return the event of a message; *quick_reply* is the payload of the one that was tapped."""
    content: dict[str, Any] = {"mid": message.id, "text": message.text}
    if quick_reply is not None:
        content["quick_reply"] = {"payload": quick_reply}
    if ref is not None:
        content["referral"] = _referral(ref)
    return _event(thread, "message", "messages", {"message": content})


def postback(
    thread: Thread, *, mid: str, title: str, payload: str, ref: str | None = None
) -> Event:
    """Return the event of a tapped button; *ref* is that of the m.me link behind Get Started."""
    content: dict[str, Any] = {"title": title, "payload": payload, "mid": mid}
    if ref is not None:
        content["referral"] = _referral(ref)
    return _event(thread, "postback", "messaging_postbacks", {"postback": content})


def referral(thread: Thread, ref: str) -> Event:
    """Return the event of a person who followed an m.me link into a thread that was there."""
    return _event(thread, "referral", "messaging_referrals", {"referral": _referral(ref)})


def read(thread: Thread, at: datetime) -> Event:
    """Return the event of a person who has read all messages up to *at*."""
    return _event(thread, "read", "message_reads", {"read": {"watermark": milliseconds(at)}})


def of_unknown_status(thread: Thread) -> Event:
    """Return a linking event with an undocumented status: a server must accept and ignore it."""
    content = {"status": "suspended"}
    return _event(
        thread, "unknown status", "messaging_account_linking", {"account_linking": content}
    )


def _referral(ref: str) -> dict[str, str]:
    return {"ref": ref, "source": "SHORTLINK", "type": "OPEN_THREAD"}


def _event(thread: Thread, kind: str, field: str, content: dict[str, Any]) -> Event:
    return Event(
        field=field,
        page_id=thread.page_id,
        psid=thread.psid,
        title=f"{kind}, {thread.person}",
        content=content,
    )
