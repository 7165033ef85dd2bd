"""The alerts for the operator's address, apart from what the bot gets."""

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy.orm import Session

from app.infra.network import standard_webhooks
from app.infra.network.egress import DIRECT, Egress
from app.outbox.handlers import Handler
from app.outbox.http_post import HttpPoster
from app.outbox.queue import Claim, enqueue

ALERT: Final = "alert"
# They are few. With threads and a circuit breaker of its own a dead address delays nothing else.
CONCURRENCY: Final = 2


def enqueue_alert(session: Session, body: bytes, *, at: datetime) -> None:
    """Add the alert *body*, to be posted to the operator after this transaction is committed."""
    # Each is an item of its own: texts for a chat are alike, and hold no time.
    enqueue(session, ALERT, body, at=at)


def alert_handler(
    url: str,
    secrets: Sequence[bytes],
    clock: Callable[[], datetime],
    *,
    egress: Egress = DIRECT,
) -> Handler:
    """Return a handler that posts alerts to *url*, signed with each of *secrets*, if any."""
    poster = HttpPoster(url, connections=CONCURRENCY, egress=egress)

    def post(claim: Claim) -> None:
        headers = headers_of(claim.body, secrets, made_at=claim.created_at, at=clock())
        poster.post(claim.body, headers)

    return Handler(post, concurrency=CONCURRENCY)


def headers_of(
    body: bytes, secrets: Sequence[bytes], *, made_at: datetime, at: datetime
) -> dict[str, str]:
    """Return the headers of the alert *body*; without *secrets* it has no signature."""
    # The same at every try, by whichever worker.
    message_id = f"msg_{sha256(made_at.isoformat().encode() + body).hexdigest()}"
    signature = standard_webhooks.headers_for(message_id, body, secrets=secrets, at=at)
    return {
        "Content-Type": "application/json",
        **{name: text for name, text in signature.items() if text},
    }
