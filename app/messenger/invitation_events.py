"""Webhook events of invitations: a chat that brings a ref or a code, answers, or disconnects.

A ref comes in three places (Meta, "messaging_referrals", 1 Jul 2025, and "messaging_postbacks",
26 Feb 2026): as `referral` of an event, in an existing thread; in `postback.referral`, when Get
Started is tapped in a new one; and, as others report, in `message.referral` of the first message.
Its `source` and `type` are not relied upon: Europe may have none.

Nothing is decoded that is not ours.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from msgspec import Raw

from app.messenger import chat_tokens
from app.messenger.delivery_shapes import (
    ABSENT,
    OBJECT,
    TEXT,
    Fault,
    FullEvent,
    Invalid,
    RawEntry,
    event_time,
    read,
    whose,
)
from app.messenger.types import PageId, Psid

Via = Literal["new_thread", "existing_thread", "typed"]

_REF: Final = chat_tokens.REF_PREFIX.encode()
_PAYLOAD: Final = chat_tokens.PAYLOAD_PREFIX.encode()
# A text that may be a code, as JSON writes it: short, with two digits of 2 to 9 and two letters.
# Ordinary messages do not match, and are not decoded.
_CODE: Final = re.compile(
    rb'"text"\s*:\s*"(?=[^"]*[2-9][^"]*[2-9])(?=[^"]*[A-Za-z][^"]*[A-Za-z])'
    rb'(?:[0-9A-Za-z \-\x80-\xff]|\\[tnr]|\\u[0-9A-Fa-f]{4}){8,64}"'
)
_LONGEST_MESSAGE: Final = 512


@dataclass(frozen=True, slots=True)
class Claim:
    """A chat brings a *ref*, or a text that may be a *code*: one of the two."""

    page_id: PageId
    psid: Psid
    event_at: datetime
    via: Via
    ref: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    # The event says more than that: the bot's welcome hangs on Get Started.
    is_for_bot: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A chat answers the question that has the *nonce*."""

    page_id: PageId
    psid: Psid
    event_at: datetime
    nonce: str = field(repr=False)
    is_yes: bool


@dataclass(frozen=True, slots=True)
class Disconnect:
    """A chat asks for the end of its link; Meta signs whose it is."""

    page_id: PageId
    psid: Psid
    event_at: datetime


@dataclass(frozen=True, slots=True)
class UnusableClaim:
    """An event with a ref that cannot be acted on; the ref is burnt, having been exposed."""

    reason: Fault
    ref: str = field(repr=False)


InvitationEvent: TypeAlias = Claim | Answer | Disconnect | UnusableClaim


@dataclass(frozen=True, slots=True)
class _Found:
    """The part of an event that is ours: one of *ref*, *code* and *payload*."""

    via: Via
    ref: str | None = None
    code: str | None = None
    payload: str | None = None
    is_for_bot: bool = False
    is_echo: bool = False


def may_be_ours(body: bytes) -> bool:
    """Return whether the *body* of a delivery may hold an event of an invitation."""
    return _REF in body or _PAYLOAD in body or _CODE.search(body) is not None


def invitation_event(
    entry: RawEntry, event: FullEvent, *, is_of_page: bool, is_standby: bool
) -> InvitationEvent | None:
    """Return *event* if it concerns an invitation, None for every other one."""
    found = _found(event)
    if found is None:
        return None
    fault: Fault
    if not is_of_page:
        fault = "foreign object"
    elif is_standby:
        # Another app owns the thread: what is said there is said to that one.
        fault = "standby"
    elif found.is_echo:
        fault = "echo"
    else:
        try:
            page_id, psid = whose(entry, event)
            return _value(found, page_id, psid, event_time(event.timestamp))
        except Invalid as exc:
            fault = exc.reason
    return UnusableClaim(fault, found.ref) if found.ref else None


def _value(
    found: _Found, page_id: PageId, psid: Psid, event_at: datetime
) -> InvitationEvent | None:
    if found.payload is None:
        return Claim(page_id, psid, event_at, found.via, found.ref, found.code, found.is_for_bot)
    if found.payload == chat_tokens.DISCONNECT:
        return Disconnect(page_id, psid, event_at)
    for prefix, is_yes in ((chat_tokens.YES, True), (chat_tokens.NO, False)):
        nonce = found.payload.removeprefix(prefix)
        if nonce != found.payload and chat_tokens.is_nonce(nonce):
            return Answer(page_id, psid, event_at, nonce, is_yes)
    return None


def _found(event: FullEvent) -> _Found | None:
    if _REF in bytes(event.referral):
        ref = _ref_in(event.referral)
        return _Found("existing_thread", ref) if ref else None
    if _may_hold(event.postback):
        postback = read(OBJECT, event.postback) or {}
        if ref := _ref_in(postback.get("referral", ABSENT)):
            return _Found("new_thread", ref, is_for_bot=True)
        return _with_payload(postback)
    return _found_in_message(event.message) if event.message else None


def _found_in_message(raw: Raw) -> _Found | None:
    if _may_hold(raw):
        message = read(OBJECT, raw) or {}
        is_echo = _is_echo(message)
        if ref := _ref_in(message.get("referral", ABSENT)):
            return _Found("new_thread", ref, is_for_bot=True, is_echo=is_echo)
        return _with_payload(read(OBJECT, message.get("quick_reply", ABSENT)) or {}, is_echo)
    content = bytes(raw)
    if len(content) >= _LONGEST_MESSAGE or not _CODE.search(content):
        return None
    message = read(OBJECT, raw) or {}
    code = chat_tokens.code_in(read(TEXT, message.get("text", ABSENT)) or "")
    return _Found("typed", code=code, is_echo=_is_echo(message)) if code else None


def _with_payload(holder: dict[str, Raw], is_echo: bool = False) -> _Found | None:  # noqa: FBT001, FBT002 - of the same event
    payload = read(TEXT, holder.get("payload", ABSENT)) or ""
    if not payload.startswith(chat_tokens.PAYLOAD_PREFIX):
        return None
    return _Found("typed", payload=payload, is_echo=is_echo)


def _ref_in(raw: Raw) -> str | None:
    referral = read(OBJECT, raw) or {}
    ref = read(TEXT, referral.get("ref", ABSENT)) or ""
    return ref if chat_tokens.is_ref(ref) else None


def _is_echo(message: dict[str, Raw]) -> bool:
    return bytes(message.get("is_echo", ABSENT)) == b"true"


def _may_hold(raw: Raw) -> bool:
    content = bytes(raw)
    return _REF in content or _PAYLOAD in content
