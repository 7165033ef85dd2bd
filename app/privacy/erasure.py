"""The erasure of one person, in two parts.

At once: the link ends, and everything goes but the row of the link, without names. That row, the
tombstone, stays for `TOMBSTONE_KEPT`: Messenger repeats for 36 hours an event that it thinks was
missed (Meta, "Webhooks, Getting Started"), which an end orders by its time, and a bot that polls
the list of changes must see the end. Then the tombstone goes as well.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from app.infra.database.portions import Transactions, in_portions
from app.linking import erasure, handlers, link_rows, voiding
from app.linking.handlers import Policy
from app.linking.link_queries import find_link
from app.linking.values import ENDED_BY_US, LinkValue
from app.privacy import outbox_items
from app.privacy.values import ErasedPerson

# A mirror that was away for a weekend still sees the end; no retention of deliveries is longer.
TOMBSTONE_KEPT: Final = timedelta(days=7)
# Of what comes within so short a time of the request, nobody can tell which was first, and it is
# erased: one link too few is a tap, and one too many is what was asked to be ended.
SAME_TIME: Final = timedelta(minutes=1)


def has_come_back(store: Transactions, person: ErasedPerson, since: datetime) -> bool:
    """Return whether the person has connected anew since they asked, at the time *since*."""
    link = store.read(partial(find_link, page_id=person.page_id, psid=person.psid))
    # Both by Meta's clock, where Meta has passed the request on.
    return link is not None and link.event_at > since + SAME_TIME


def disconnect(
    store: Transactions, person: ErasedPerson, *, cause: str, policy: Policy, at: datetime
) -> ErasedPerson:
    """End the person's link and attempts, and keep the rest as any ended link is kept."""
    link = store.write(partial(_end, person=person, cause=cause, policy=policy, at=at))
    return replace(person, version=link.version if link else 0, was_held=link is not None)


def erase(  # noqa: PLR0913 - of whom, why, by what settings, which, when
    store: Transactions,
    person: ErasedPerson,
    *,
    cause: str,
    policy: Policy,
    until: datetime,
    at: datetime,
) -> ErasedPerson:
    """Do the first part for *person*, who asked at *until*; return them as the second needs them.

    It can be repeated: what is gone already stays so.
    """
    page_id, psid = person.page_id, person.psid
    was_held = store.read(partial(erasure.is_held, page_id=page_id, psid=psid))
    link = store.write(partial(_end_unnamed, person=person, cause=cause, policy=policy, at=at))
    changed = sum(
        (
            *in_portions(store, erasure.attempts_of_person(page_id, psid)),
            *in_portions(store, erasure.history_of_person(page_id, psid)),
            *outbox_items.erase(store, page_id, psid, until=until),
        )
    )
    version = link.version if link else 0
    return replace(person, version=version, was_held=was_held or bool(changed) or person.was_held)


def erase_tombstone(store: Transactions, person: ErasedPerson) -> Iterator[object]:
    """Do the second part, in steps; nothing for somebody who has connected anew meanwhile."""
    page_id, psid = person.page_id, person.psid
    drop = partial(erasure.drop_tombstone, page_id=page_id, psid=psid, version=person.version)
    if not store.write(drop):
        return
    yield from in_portions(store, erasure.history_of_person(page_id, psid))
    yield from outbox_items.erase_rest(store, page_id, psid)


def _end_unnamed(
    session: Session, *, person: ErasedPerson, cause: str, policy: Policy, at: datetime
) -> LinkValue | None:
    page_id, psid = person.page_id, person.psid
    # The attempts are locked before the link, as everywhere: see `handlers.end_one`.
    voiding.void_of_person(session, page_id, psid, ENDED_BY_US, at=at)
    before = find_link(session, page_id, psid)
    # Before the end, whose notice would else tell the bot the names once more.
    erasure.blank_names(session, page_id, psid)
    link = _end(session, person=person, cause=cause, policy=policy, at=at)
    if before is not None and before.user is not None:
        erasure.forget_names_unless_linked(session, before.user)
    return link


def _end(
    session: Session, *, person: ErasedPerson, cause: str, policy: Policy, at: datetime
) -> LinkValue | None:
    """End the link; return the row as it is now, None where there is none."""
    page_id, psid = person.page_id, person.psid
    handlers.end_one(session, page_id, psid, cause=cause, policy=policy, at=at)
    return link_rows.find(session, page_id, psid)
