"""Work that an attempt leaves to the outbox: the unlink at Messenger, the bot's notices."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.linking import graph_unlink
from app.linking.link_queries import find_link
from app.linking.models import Attempt
from app.messenger.types import PageId, Psid
from app.outbox import inspection
from app.outbox.bot_webhooks import NOTICE
from app.outbox.inspection import OutboxItem


@dataclass(frozen=True, slots=True)
class Owed:
    """An item of the outbox, in words; *state* is "waiting", "dead" or "done"."""

    kind: str
    state: str
    since: datetime
    tries: int
    failure: str | None
    sentence: str
    # In the outbox.
    item_id: int


def owed_of(session: Session, attempt: Attempt) -> tuple[Owed, ...]:
    """Return what is owed after *attempt*, and the notices that the bot got in the last hour."""
    return tuple(_owed(item) for item in _items(session, attempt))


def owed_to(session: Session, page_id: PageId, psid: Psid) -> tuple[Owed, ...]:
    """Return what is owed to the Messenger person: to be told that they are not linked."""
    return tuple(_owed(item) for item in _unlinks(session, page_id, psid))


def _items(session: Session, attempt: Attempt) -> Iterator[OutboxItem]:
    if attempt.psid is not None:
        yield from _unlinks(session, attempt.page_id, attempt.psid)
    yield from inspection.about(session, attempt.reference)


def _unlinks(session: Session, page_id: PageId, psid: Psid) -> Iterator[OutboxItem]:
    if find_link(session, page_id, psid) is None:
        body = graph_unlink.body_for(page_id, psid)
        yield from inspection.owed(session, graph_unlink.KIND, body)


def _owed(item: OutboxItem) -> Owed:
    return Owed(
        item.kind,
        item.state,
        item.created_at,
        item.tries,
        item.failure,
        _sentence(item),
        item.id,
    )


def _sentence(item: OutboxItem) -> str:
    if item.kind == NOTICE:
        match item.state:
            case "waiting":
                return f"The bot has not got its notice yet{_tried(item)}."
            case "dead":
                return (
                    f"The bot never got its notice{_tried(item)}. "
                    f"To send it: threadlink outbox replay {item.id}"
                )
            case _:
                return "The bot got its notice."
    if item.state == "waiting":
        return f"Messenger still shows Log Out to this person; it is to be told{_tried(item)}."
    return (
        f"Messenger may still show Log Out to this person, and is told no more{_tried(item)}. "
        f"To tell it: threadlink outbox replay {item.id}"
    )


def _tried(item: OutboxItem) -> str:
    tries = f"; tries: {item.tries}" if item.tries else ""
    return f"{tries}, last failure: {item.failure}" if item.failure else tries
