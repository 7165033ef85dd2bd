"""The work that a request asks for: an item of the outbox, and what a later sweep does."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from app.infra.database.portions import Transactions
from app.linking.handlers import Policy
from app.messenger.errors import GraphRefused, GraphThrottled, GraphUnavailable
from app.messenger.types import PageId, Psid
from app.outbox.handlers import Handler, NotYet, RetryLater
from app.outbox.queue import Claim
from app.privacy import erasure, requests
from app.privacy.values import ErasedPerson, Request

log = structlog.get_logger()

# The causes by which a link ends: of each kind of request.
CAUSES: Final = {
    "deletion": "data deletion",
    "deauthorize": "deauthorized",
    "user": "user forgotten",
}
NOBODY_NAMED: Final = "no page named"

PeopleOf = Callable[[str], Sequence[tuple[PageId, Psid]]]


def privacy_handler(
    store: Transactions, people_of: PeopleOf, policy: Policy, now: Callable[[], datetime]
) -> Handler:
    """Return a handler that does what requests ask; *people_of* asks Graph whom an id means.

    It retries until Graph answers. What Graph does not tell is left to an operator.
    """
    return Handler(partial(_perform, store, people_of, policy, now), retries_forever=True)


def _perform(
    store: Transactions,
    people_of: PeopleOf,
    policy: Policy,
    now: Callable[[], datetime],
    claim: Claim,
) -> None:
    request = store.read(partial(requests.find, reference=claim.body.decode()))
    if request is None or request.state != "received":
        return
    people = request.people or _people_of(store, request, people_of)
    if people:
        erase(store, request, people, policy=policy, at=now())


def erase(
    store: Transactions,
    request: Request,
    people: Sequence[ErasedPerson],
    *,
    policy: Policy,
    at: datetime,
) -> int:
    """Do what *request* asks of *people*; return of how many something was kept."""
    do = erasure.disconnect if request.kind == "deauthorize" else erasure.erase
    cause, since = CAUSES[request.kind], request.asked_at
    ended = [do(store, each, cause=cause, since=since, policy=policy, at=at) for each in people]
    store.write(partial(requests.end, reference=request.reference, people=ended, at=at))
    found = sum(person.was_held for person in ended)
    log.info(
        "privacy.ended",
        kind=request.kind,
        reference=request.reference,
        people=len(people),
        found=found,
    )
    return found


def finish_due(store: Transactions, at: datetime) -> Iterator[object]:
    """Erase the tombstones that have stayed for long enough, in steps."""
    # All of them, however many a list had: each is not due any more once it is finished.
    while due := store.read(partial(requests.due_to_finish, at=at)):
        for request in due:
            for person in request.people:
                yield from erasure.erase_tombstone(store, person)
            store.write(partial(requests.finish, reference=request.reference, at=at))
            log.info("privacy.done", reference=request.reference)
            yield None


def warn_of_duties(store: Transactions, at: datetime) -> None:
    """Log that requests wait for an operator."""
    waiting = store.read(partial(requests.duties, at=at))
    if waiting.oldest_at is not None:
        days = (at - waiting.oldest_at).days
        log.warning("privacy.waiting", count=waiting.count, days=days)


def _people_of(
    store: Transactions, request: Request, people_of: PeopleOf
) -> tuple[ErasedPerson, ...]:
    """Return whom Graph names for the app-scoped id of *request*; nobody where it names none."""
    try:
        named = people_of(request.user_id or "")
    except GraphThrottled as exc:
        wait = timedelta(seconds=exc.retry_after_seconds)
        raise NotYet(type(exc).__name__, wait=wait) from exc
    except GraphUnavailable as exc:
        raise RetryLater(type(exc).__name__) from exc
    except GraphRefused as exc:
        named, why = (), " ".join(map(str, (type(exc).__name__, exc.code, exc.subcode)))
    else:
        why = NOBODY_NAMED
    people = tuple(ErasedPerson(page_id, psid) for page_id, psid in named)
    reference = request.reference
    if people:
        store.write(partial(requests.know_people, reference=reference, people=people))
    else:
        # Not "nothing is kept": Meta does not name people in Europe and Japan either.
        store.write(partial(requests.make_duty, reference=reference, why=why))
        log.warning("privacy.duty", kind=request.kind, reference=reference, why=why)
    return people
