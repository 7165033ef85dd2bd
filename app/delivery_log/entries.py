"""Entries made of deliveries: of those that arrive, and of those that wait in the outbox."""

import json
from collections.abc import Mapping
from typing import Final

from app.delivery_log.log import DeliveryLog, Entry, NotAppended
from app.messenger.errors import BadPayload
from app.messenger.events import parse_delivery
from app.outbox.bot_webhooks import CONCURRENCY, RawDelivery, forwarded_headers
from app.outbox.handlers import Handler, RetryLater, Unreachable
from app.outbox.queue import Claim

_WITHIN_S: Final = 10.0


def entry_of(delivery: RawDelivery, *, page_id: str | None) -> Entry:
    """Return the entry of *delivery*, which is about *page_id* alone, if that is given."""
    return Entry(delivery.body, forwarded_headers(delivery), page_id)


def delivery_handler(log: DeliveryLog) -> Handler:
    """Return a handler that appends deliveries to *log*.

    They were stored while BOT_MESSENGER_URL was an address of the bot's, or by a server that has
    not been restarted since.
    """

    def append(claim: Claim) -> None:
        headers: Mapping[str, str] = json.loads(claim.head or "{}")
        entry = Entry(claim.body, headers, _page_id(claim.body))
        try:
            log.append_and_wait(entry, within=_WITHIN_S)
        except NotAppended as exc:
            if exc.reason == "unreachable":
                raise Unreachable(exc.reason) from exc
            raise RetryLater(exc.reason) from exc

    return Handler(append, concurrency=CONCURRENCY)


def _page_id(body: bytes) -> str | None:
    try:
        return parse_delivery(body).page_id
    except BadPayload:
        return None
