"""Unlinking a person at Messenger: an outbox item, and the handler that calls Graph for it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Final, Protocol, TypeVar

from sqlalchemy.orm import Session

from app.linking.link_queries import find_link
from app.linking.page_pauses import PagePauses
from app.messenger.errors import (
    BAD_PARAMETER,
    GraphError,
    GraphRefused,
    GraphThrottled,
    GraphUnreachable,
    PersonUnknown,
)
from app.messenger.types import PageId, Psid
from app.outbox.handlers import Handler, PerhapsNothingToDo, RetryLater
from app.outbox.queue import Claim, enqueue

T = TypeVar("T")

KIND: Final = "graph.unlink"
# Every other limit is of one page, or of the owner of its token.
_LIMIT_OF_THE_APP: Final = 4
# In a message with code 100: our proof, our permissions, our path.
_ABOUT_US: Final = re.compile("proof|permission|does not exist|unsupported", re.IGNORECASE)


class Read(Protocol):
    """Runs a query in a transaction of its own, and returns its value."""

    def __call__(self, query: Callable[[Session], T], /) -> T: ...


class UnlinkClient(Protocol):
    """The part of a page's Graph client that unlinks a person."""

    def unlink(self, psid: Psid) -> None: ...


@dataclass(frozen=True, slots=True)
class Unlink:
    """The person whom Messenger must no longer show as linked to the page's service."""

    page_id: PageId
    psid: Psid

    @classmethod
    def from_body(cls, body: bytes) -> "Unlink":
        """Return the value of an item that `enqueue_unlink` has added."""
        page_id, psid = json.loads(body)
        return cls(PageId(page_id), Psid(psid))


def enqueue_unlink(session: Session, page_id: PageId, psid: Psid, *, at: datetime) -> None:
    """Make Messenger show Log In again to *psid*, after this transaction is committed."""
    enqueue(session, KIND, body_for(page_id, psid), at=at)


def body_for(page_id: PageId, psid: Psid) -> bytes:
    """Return the body of the item that unlinks *psid*."""
    return json.dumps([page_id, psid]).encode()


def unlink_handler(
    read: Read, graph: Mapping[PageId, UnlinkClient], now: Callable[[], float] = monotonic
) -> Handler:
    """Return a handler that unlinks people with the client of their page in *graph*.

    It retries forever: Messenger must not show a person as linked who is not. Only what may mean
    that there is nothing to unlink becomes a dead letter after the usual tries.
    """
    return Handler(partial(_unlink, read, graph, PagePauses(now)), retries_forever=True)


def _unlink(
    read: Read, graph: Mapping[PageId, UnlinkClient], pauses: PagePauses, claim: Claim
) -> None:
    person = Unlink.from_body(claim.body)
    client = graph.get(person.page_id)
    if client is None or _is_linked(read, person):
        return
    pauses.check(person.page_id)
    try:
        client.unlink(person.psid)
    except PersonUnknown:
        # Only an answer about this person ends it. Code 100 alone may speak of our proof, our
        # permissions or our path (facebook/facebook-python-business-sdk issue 528), and so may
        # 100 with 33: "does not exist, cannot be loaded due to missing permissions".
        pass
    except GraphThrottled as exc:
        of_page = None if exc.code == _LIMIT_OF_THE_APP else person.page_id
        raise pauses.begin(of_page, _failure(exc), exc.retry_after_seconds) from exc
    except GraphError as exc:
        raise _retry(exc, person.page_id, pauses) from exc
    pauses.record_success(person.page_id)


def _retry(error: GraphError, page_id: PageId, pauses: PagePauses) -> RetryLater:
    failure = _failure(error)
    if _may_be_about_the_person(error):
        return PerhapsNothingToDo(failure)
    if isinstance(error, GraphRefused):
        # Graph answers, so the other pages are as well as before.
        return pauses.record_refusal(page_id, failure)
    return RetryLater(failure)


def _failure(error: GraphError) -> str:
    """Return the class and the numbers of *error*, for `outbox list`."""
    if isinstance(error, GraphUnreachable):
        return error.reason
    numbers = [str(number) for number in (error.code, error.subcode) if number is not None]
    return " ".join([type(error).__name__, "/".join(numbers)]).rstrip()


def _may_be_about_the_person(error: GraphError) -> bool:
    """Return whether *error* is the general refusal, and says nothing of us.

    Meta documents no answer for a person whom Messenger shows as not linked.
    """
    is_general = error.code == BAD_PARAMETER and error.subcode is None
    return is_general and not _ABOUT_US.search(error.reason)


def _is_linked(read: Read, person: Unlink) -> bool:
    # Since the item was added: an unlink that arrives late must not undo the new link.
    return read(partial(find_link, page_id=person.page_id, psid=person.psid)) is not None
