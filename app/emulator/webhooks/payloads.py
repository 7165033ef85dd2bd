"""Deliveries: which events travel together, among what, and how they are signed."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.emulator.clock import milliseconds
from app.emulator.faults.switches import FaultSwitches
from app.emulator.settings import psid_of_stranger
from app.emulator.webhooks import signing
from app.emulator.webhooks.events import Event

_NEIGHBOURS = ("mixed-messages", "mixed-standby", "mixed-changes", "in-standby")
# A delivery under one of these is nothing that Messenger would send: to refuse it is right.
FORGERIES = ("unsigned", "foreign-secret", "sha1-only", "altered")


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event and the moment it happened."""

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
        """Say for the inspector what is in it."""
        return " + ".join(happened.event.title for happened in self.events)

    @property
    def is_forged(self) -> bool:
        return any(name in FORGERIES for name in self.faults)


def pack(
    events: tuple[TimedEvent, ...], *, app_secret: str, faults: FaultSwitches, at: datetime
) -> Delivery:
    """Return *events*, all of one page, as one delivery, with every fault that is on."""
    taken = [name for name in _NEIGHBOURS if faults.fires(name)]
    page_id = events[0].event.page_id
    inside = [_event(happened) for happened in events]
    if "mixed-messages" in taken:
        inside = [_said_by_nobody(page_id, at), *inside, _read_by_nobody(page_id, at)]
    place = "standby" if "in-standby" in taken else "messaging"
    entry = {"id": page_id, "time": milliseconds(at), place: inside}
    body = signing.delivery_body("page", [*_neighbours(page_id, taken, at), entry])
    delivery = Delivery(
        events=events,
        body=body,
        headers=dict(signing.signed_headers(body, app_secret)),
        faults=tuple(taken),
    )
    for name in FORGERIES:
        if faults.fires(name):
            delivery = _forge(name, delivery)
    return delivery


def about_another_object(app_secret: str, at: datetime) -> tuple[bytes, dict[str, str]]:
    """Return a signed delivery that is no page's: an app may be subscribed to such ones, too."""
    said = {"field": "comments", "value": {"id": "17865799348089039", "text": "Nice mug"}}
    entry = {"id": "17841405793187218", "time": milliseconds(at), "changes": [said]}
    body = signing.delivery_body("instagram", [entry])
    return body, dict(signing.signed_headers(body, app_secret))


def _event(happened: TimedEvent) -> dict[str, Any]:
    return {
        "sender": {"id": happened.event.psid},
        "recipient": {"id": happened.event.page_id},
        "timestamp": milliseconds(happened.at),
        **happened.event.content,
    }


def _neighbours(page_id: str, taken: list[str], at: datetime) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    start = {"id": page_id, "time": milliseconds(at)}
    if "mixed-standby" in taken:
        entries.append({**start, "standby": [_said_by_nobody(page_id, at)]})
    if "mixed-changes" in taken:
        post = {"item": "status", "verb": "add", "post_id": f"{page_id}_1", "message": "Open today"}
        entries.append({**start, "changes": [{"field": "feed", "value": post}]})
    return entries


def _said_by_nobody(page_id: str, at: datetime) -> dict[str, Any]:
    return {
        "sender": {"id": psid_of_stranger(page_id)},
        "recipient": {"id": page_id},
        "timestamp": milliseconds(at),
        "message": {"mid": f"m_neighbour-{milliseconds(at)}", "text": "Are you open today?"},
    }


def _read_by_nobody(page_id: str, at: datetime) -> dict[str, Any]:
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
