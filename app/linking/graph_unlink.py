"""Telling Messenger that a person is not linked: one row of the outbox, done by the worker."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.messenger.types import PageId, Psid
from app.outbox.queue import enqueue

KIND: Final = "graph.unlink"


@dataclass(frozen=True, slots=True)
class Unlink:
    """Whom Messenger must no longer hold for linked."""

    page_id: PageId
    psid: Psid

    @classmethod
    def from_body(cls, body: bytes) -> "Unlink":
        """Return what `tell_messenger` has written."""
        page_id, psid = json.loads(body)
        return cls(PageId(page_id), Psid(psid))


def tell_messenger(session: Session, page_id: PageId, psid: Psid, *, at: datetime) -> None:
    """Have Messenger show Log In again, once this transaction is committed."""
    enqueue(session, KIND, json.dumps([page_id, psid]).encode(), at=at)
