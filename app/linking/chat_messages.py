"""The messages that the server writes into a chat: rows of the outbox, `graph.ask` and `graph.say`.

A text is named here, and worded for people by whoever runs the worker, in the language of the
invitation. `app.linking.chat_writer` sends them.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from sqlalchemy.orm import Session

from app.linking.invitation_models import Invitation
from app.messenger.types import PageId, Psid
from app.outbox.queue import enqueue_once

ASK: Final = "graph.ask"
SAY: Final = "graph.say"
# Of one invitation; `app.accounts.rate_limits.ASKS` limits those of one chat.
MOST_ASKS: Final = 3


class Text(StrEnum):
    """A text for a chat."""

    QUESTION = "question"
    DIGITS = "digits"
    YES = "yes"
    NO = "no"
    DISCONNECT = "disconnect"
    ALMOST_DONE = "almost_done"
    DECLINED = "declined"
    EXPIRED = "expired"
    QUESTION_OVER = "question_over"
    OTHER_ACCOUNT = "other_account"
    TOO_MANY_LINKS = "too_many_links"
    ACCOUNT_CLOSED = "account_closed"
    ALREADY_CONNECTED = "already_connected"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class Say(Protocol):
    """Words a text for people who read *language*; *values* are what the text names."""

    def __call__(self, text: Text, language: str, /, **values: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Said:
    """A message to a chat; *name* is the masked name of the user whom it is about."""

    page_id: PageId
    psid: Psid
    text: Text
    language: str
    name: str | None = field(repr=False)
    reference: str | None

    @property
    def body(self) -> bytes:
        """The body of its item; the person is first, as in every item about one."""
        return json.dumps(
            [self.page_id, self.psid, self.text, self.language, self.name, self.reference]
        ).encode()

    @classmethod
    def from_body(cls, body: bytes) -> "Said":
        """Return the message of an item."""
        page_id, psid, text, language, name, reference = json.loads(body)
        return cls(PageId(page_id), Psid(psid), Text(text), language, name, reference)


def enqueue_ask(session: Session, invitation: Invitation, *, at: datetime) -> None:
    """Ask in the chat that has claimed *invitation*, after this transaction is committed."""
    # With the number: of the same body a second item would be taken for a repeat.
    body = json.dumps([invitation.id, invitation.asks + 1]).encode()
    enqueue_once(session, ASK, body, reference=invitation.reference, at=at)


def invitation_in(body: bytes) -> tuple[str, int]:
    """Return the invitation that an item asks for, and the number of the question."""
    invitation_id, number = json.loads(body)
    return str(invitation_id), int(number)


def enqueue_say(session: Session, said: Said, *, at: datetime) -> None:
    """Write *said* into the chat, after this transaction is committed; once within an hour."""
    enqueue_once(session, SAY, said.body, reference=said.reference, at=at)


def say_in_chat(
    session: Session, invitation: Invitation, text: Text, psid: Psid | None = None, *, at: datetime
) -> None:
    """Write *text* to the chat of *psid*, or to the one that has claimed *invitation*."""
    to = psid or invitation.psid
    if to is None:
        return
    enqueue_say(
        session,
        Said(
            invitation.page_id,
            to,
            text,
            invitation.language,
            invitation.display_name,
            invitation.reference,
        ),
        at=at,
    )


def is_about(body: bytes, page_id: PageId, psid: Psid) -> bool:
    """Return whether *body*, of an item `graph.say`, is a message to the person."""
    said = Said.from_body(body)
    return (said.page_id, said.psid) == (page_id, psid)
