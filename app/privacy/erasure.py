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
from app.linking import erasure, handlers, invitation_retention, link_rows, resume, voiding
from app.linking.handlers import Policy
from app.linking.values import ENDED_BY_US, LinkValue
from app.privacy import outbox_items
from app.privacy.values import ErasedPerson

# A mirror that was away for a weekend still sees the end; no retention of deliveries is longer.
TOMBSTONE_KEPT: Final = timedelta(days=7)
# Of what comes within so short a time of the request, nobody can tell which was first, and it is
# erased: one link too few is a tap, and one too many is what was asked to be ended.
SAME_TIME: Final = timedelta(minutes=1)


def is_held(store: Transactions, person: ErasedPerson) -> bool:
    """Return whether anything is kept of the person, a link that has ended included."""
    page_id, psid = person.page_id, person.psid
    return store.read(partial(erasure.is_held, page_id=page_id, psid=psid)) or any(
        True for _ in outbox_items.items_of(store, page_id, psid)
    )


def disconnect(  # noqa: PLR0913 - of whom, why, since when, by what settings, when
    store: Transactions,
    person: ErasedPerson,
    *,
    cause: str,
    since: datetime,
    policy: Policy,
    at: datetime,
) -> ErasedPerson:
    """End the person's link and attempts, and keep the rest as any ended link is kept.

    Whoever has connected anew since they asked, at the time *since*, stays connected.
    """
    end = partial(_end, person=person, cause=cause, since=since, policy=policy, at=at)
    link = store.write(partial(end, is_unnamed=False))
    return replace(person, version=link.version if link else 0, was_held=link is not None)


def erase(  # noqa: PLR0913 - of whom, why, since when, by what settings, when
    store: Transactions,
    person: ErasedPerson,
    *,
    cause: str,
    since: datetime,
    policy: Policy,
    at: datetime,
) -> ErasedPerson:
    """Do the first part for *person*, who asked at *since*; return them as the second needs them.

    Of whoever has connected anew since, what is older goes all the same. It can be repeated: what
    is gone already stays so.
    """
    page_id, psid = person.page_id, person.psid
    was_held = store.read(partial(erasure.is_held, page_id=page_id, psid=psid))
    end = partial(_end, person=person, cause=cause, since=since, policy=policy, at=at)
    link = store.write(partial(end, is_unnamed=True))
    until = since + SAME_TIME
    only_until = until if _has_come_back(link, since) else None
    changed = sum(
        (
            *in_portions(store, erasure.attempts_of_person(page_id, psid, only_until)),
            *in_portions(store, invitation_retention.of_person(page_id, psid, only_until)),
            *in_portions(store, erasure.history_of_person(page_id, psid, only_until)),
            *in_portions(store, resume.of_person(page_id, psid, only_until)),
            *outbox_items.erase(store, page_id, psid, until=until, others_until=only_until),
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
    yield from in_portions(store, erasure.history_of_person(page_id, psid, until=None))
    yield from outbox_items.erase_rest(store, page_id, psid)


def _end(  # noqa: PLR0913 - as `erase`
    session: Session,
    *,
    person: ErasedPerson,
    cause: str,
    since: datetime,
    is_unnamed: bool,
    policy: Policy,
    at: datetime,
) -> LinkValue | None:
    """End the link, unless it is newer than *since*; return the row as it is now, if any."""
    page_id, psid = person.page_id, person.psid
    before = link_rows.find(session, page_id, psid)
    if _has_come_back(before, since):
        # Before anything else: what they have on its way goes on.
        return before
    # The attempts are locked before the link, as everywhere: see `handlers.end_one`.
    voiding.void_of_person(session, page_id, psid, ENDED_BY_US, at=at)
    before = link_rows.lock(session, page_id, psid)
    if before is None or _has_come_back(before, since):
        return before
    if is_unnamed:
        # Before the end, whose notice would else tell the bot the names once more.
        erasure.blank_names(session, page_id, psid)
    handlers.end_one(session, page_id, psid, cause=cause, policy=policy, at=at)
    if is_unnamed and before.user is not None:
        erasure.forget_names_unless_linked(session, before.user)
    return link_rows.find(session, page_id, psid)


def _has_come_back(link: LinkValue | None, since: datetime) -> bool:
    """Return whether the person of *link* has connected anew since they asked, at *since*."""
    # Both by Meta's clock, where Meta has passed the request on.
    return link is not None and link.state == "linked" and link.event_at > since + SAME_TIME
