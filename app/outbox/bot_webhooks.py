"""The two kinds of webhooks that the bot gets: signed notices, and Messenger's own deliveries."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import msgspec
from sqlalchemy.orm import Session

from app.infra.database.new_row import NewRow
from app.infra.network import standard_webhooks
from app.infra.network.egress import DIRECT, Egress
from app.outbox.handlers import Handler
from app.outbox.http_post import HttpPoster
from app.outbox.queue import Claim, enqueue_once, item_once

NOTICE: Final = "notice"
DELIVERY: Final = "delivery"

CONCURRENCY: Final = 16
# Messenger's signatures, and the header by which the bot's framework parses the body.
FORWARDED_HEADERS: Final = ("Content-Type", "X-Hub-Signature", "X-Hub-Signature-256")


class Headers(Protocol):
    """The headers of a request, looked up without regard to case."""

    def get(self, name: str, /) -> str | None: ...


@dataclass(frozen=True, slots=True)
class RawDelivery:
    """A webhook delivery as Messenger posted it, byte for byte."""

    body: bytes = field(repr=False)
    headers: Headers = field(repr=False)


def enqueue_notice(session: Session, body: bytes, *, reference: str | None, at: datetime) -> None:
    """Add the notice *body*, to be posted to the bot after this transaction is committed.

    *reference* is the attempt that it is about, if it is known.
    """
    enqueue_once(session, NOTICE, body, reference=reference, at=at)


def forwarded_headers(delivery: RawDelivery) -> dict[str, str]:
    """Return the headers of *delivery* by which the bot checks and reads the body."""
    forwarded = {name: delivery.headers.get(name) for name in FORWARDED_HEADERS}
    return {name: text for name, text in forwarded.items() if text is not None}


def item_of(delivery: RawDelivery, *, at: datetime) -> NewRow:
    """Return the item by which *delivery* is forwarded to the bot, once it is committed."""
    head = msgspec.json.encode(forwarded_headers(delivery))
    return item_once(DELIVERY, delivery.body, head=head.decode(), at=at)


def notice_handler(
    url: str,
    secrets: Sequence[bytes],
    clock: Callable[[], datetime],
    *,
    egress: Egress = DIRECT,
) -> Handler:
    """Return a handler that posts notices to *url*, signed with each of *secrets*."""
    poster = HttpPoster(url, connections=CONCURRENCY, egress=egress)

    def post(claim: Claim) -> None:
        # Made of the body, so that retries, replays and other workers send the same id.
        message_id = f"msg_{claim.digest}"
        signature = standard_webhooks.headers_for(
            message_id, claim.body, secrets=secrets, at=clock()
        )
        poster.post(claim.body, {"Content-Type": "application/json", **signature})

    return Handler(post, concurrency=CONCURRENCY)


def delivery_handler(url: str, *, egress: Egress = DIRECT) -> Handler:
    """Return a handler that forwards deliveries to *url*, byte for byte as Messenger sent them."""
    poster = HttpPoster(url, connections=CONCURRENCY, egress=egress)
    return Handler(
        lambda claim: poster.post(claim.body, json.loads(claim.head or "{}")),
        concurrency=CONCURRENCY,
    )
