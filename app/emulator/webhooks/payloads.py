"""Webhook deliveries: the events in one POST, what surrounds them, and the signature."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.emulator.clock import milliseconds
from app.emulator.faults.switches import FaultSwitches
from app.emulator.settings import psid_of_stranger
from app.emulator.webhooks import signing
from app.emulator.webhooks.events import Event

_ENTRY_FAULTS = ("mixed-messages", "mixed-standby", "mixed-changes", "in-standby")
# Messenger would send no such delivery: a server is right to refuse it.
FORGERIES = ("unsigned", "foreign-secret", "sha1-only", "altered")


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event and the moment at which it happened."""

    event: Event
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The bytes of one POST, and the events in them."""

    events: tuple[TimedEvent, ...]
    body: bytes
    headers: dict[str, str]
    faults: tuple[str, ...] = ()

    @property
    def page_id(self) -> str:
        return self.events[0].event.page_id

    @property
    def title(self) -> str:
        """The inspector's line for this delivery."""
        return " + ".join(timed.event.title for timed in self.events)

    @property
    def is_forged(self) -> bool:
        return any(name in FORGERIES for name in self.faults)

    def title_of_attempt(self, retry: int) -> str:
        """Return the inspector's line for retry number *retry*; 0 is the first attempt."""
        return f"{self.title}, retry {retry}" if retry else self.title


def pack(
    events: tuple[TimedEvent, ...], *, app_secret: str, faults: FaultSwitches, at: datetime
) -> Delivery:
    """Return *events*, all of one page, as one delivery, with the faults that are on."""
    fired = [name for name in _ENTRY_FAULTS if faults.fires(name)]
    page_id = events[0].event.page_id
    standby = ("in-standby", "ref-standby")
    fired += dict.fromkeys(name for timed in events for name in timed.event.faults)
    field = "messaging" if set(standby).isdisjoint(fired) else "standby"
    content = [_event(timed, field) for timed in events]
    if "mixed-messages" in fired:
        content = [_message_of_stranger(page_id, at), *content, _read_of_stranger(page_id, at)]
    entry = {"id": page_id, "time": milliseconds(at), field: content}
    body = signing.delivery_body("page", [*_other_entries(page_id, fired, at), entry])
    delivery = Delivery(
        events=events,
        body=body,
        headers=dict(signing.signed_headers(body, app_secret)),
        faults=tuple(fired),
    )
    for name in FORGERIES:
        if faults.fires(name):
            delivery = _forge(name, delivery)
    return delivery


def pack_other_object(app_secret: str, at: datetime) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a signed delivery that is about no Page.

    An app may be subscribed to other objects at the same address.
    """
    comment = {"field": "comments", "value": {"id": "17865799348089039", "text": "Nice mug"}}
    entry = {"id": "17841405793187218", "time": milliseconds(at), "changes": [comment]}
    body = signing.delivery_body("instagram", [entry])
    return body, dict(signing.signed_headers(body, app_secret))


def _event(timed: TimedEvent, field: str) -> dict[str, Any]:
    event, content = timed.event, dict(timed.event.content)
    if field == "standby" and "postback" in content:
        # "Postbacks do not have a payload" there: the payload is told to its own app alone.
        content["postback"] = {
            name: value for name, value in content["postback"].items() if name != "payload"
        }
    return {
        "sender": {"id": event.psid} if event.user_ref is None else {"user_ref": event.user_ref},
        "recipient": {"id": event.page_id},
        "timestamp": milliseconds(timed.at),
        **content,
    }


def _other_entries(page_id: str, fired: list[str], at: datetime) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    start = {"id": page_id, "time": milliseconds(at)}
    if "mixed-standby" in fired:
        entries.append({**start, "standby": [_message_of_stranger(page_id, at)]})
    if "mixed-changes" in fired:
        post = {"item": "status", "verb": "add", "post_id": f"{page_id}_1", "message": "Open today"}
        entries.append({**start, "changes": [{"field": "feed", "value": post}]})
    return entries


def _message_of_stranger(page_id: str, at: datetime) -> dict[str, Any]:
    return {
        "sender": {"id": psid_of_stranger(page_id)},
        "recipient": {"id": page_id},
        "timestamp": milliseconds(at),
        "message": {"mid": f"m_neighbour-{milliseconds(at)}", "text": "Are you open today?"},
    }


def _read_of_stranger(page_id: str, at: datetime) -> dict[str, Any]:
    return {
        "sender": {"id": psid_of_stranger(page_id)},
        "recipient": {"id": page_id},
        "timestamp": milliseconds(at),
        "read": {"watermark": milliseconds(at)},
    }


def _forge(name: str, delivery: Delivery) -> Delivery:
    headers, body = dict(delivery.headers), delivery.body
    match name:
        case "unsigned":
            del headers["X-Hub-Signature"], headers["X-Hub-Signature-256"]
        case "sha1-only":
            del headers["X-Hub-Signature-256"]
        case "foreign-secret":
            headers = dict(signing.signed_headers(body, secrets.token_hex(16)))
        case "altered":
            psid, page_id = delivery.events[0].event.psid, delivery.page_id
            body = body.replace(psid.encode(), psid_of_stranger(page_id).encode())
    return replace(delivery, body=body, headers=headers, faults=(*delivery.faults, name))
