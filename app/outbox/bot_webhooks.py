"""The bot as the outbox knows it: two addresses, one for notices and one for deliveries."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy.orm import Session

from app.infra.network import standard_webhooks
from app.outbox.handlers import Handler
from app.outbox.http_post import Poster
from app.outbox.queue import Claim, enqueue_once

NOTICE: Final = "notice"
DELIVERY: Final = "delivery"

AT_ONCE: Final = 16
# What Messenger signs with, and what a bot's framework reads the body by.
PASSED_ON: Final = ("Content-Type", "X-Hub-Signature", "X-Hub-Signature-256")


class Headers(Protocol):
    """The headers of a request, looked up without regard to case."""

    def get(self, name: str, /) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """What Messenger has posted, as it came."""

    body: bytes = field(repr=False)
    headers: Headers = field(repr=False)


def add_notice(session: Session, body: bytes, *, at: datetime) -> None:
    """Tell the bot *body* once this transaction is committed."""
    enqueue_once(session, NOTICE, body, at=at)


def add_delivery(session: Session, delivered: Delivered, *, at: datetime) -> None:
    """Pass on what Messenger has delivered once this transaction is committed."""
    named = {name: delivered.headers.get(name) for name in PASSED_ON}
    head = json.dumps({name: value for name, value in named.items() if value is not None})
    enqueue_once(session, DELIVERY, delivered.body, head=head, at=at)


def telling(url: str, secrets: Sequence[bytes], clock: Callable[[], datetime]) -> Handler:
    """Return the duty that posts notices to *url*, signed with each of *secrets*."""
    poster = Poster(url, at_once=AT_ONCE)

    def tell(claim: Claim) -> None:
        # Made of the body, so the same over all tries, replays and workers.
        message_id = f"msg_{claim.digest}"
        signed = standard_webhooks.headers_for(message_id, claim.body, secrets=secrets, at=clock())
        poster.post(claim.body, {"Content-Type": "application/json", **signed})

    return Handler(tell, at_once=AT_ONCE)


def passing_on(url: str) -> Handler:
    """Return the duty that posts deliveries to *url*, byte for byte as Messenger sent them."""
    poster = Poster(url, at_once=AT_ONCE)
    return Handler(
        lambda claim: poster.post(claim.body, json.loads(claim.head or "{}")), at_once=AT_ONCE
    )
