"""A day of other people's attempts, so that the demo's figures and charts are not empty.

Made by the functions that pages and webhook use, at times that are past: what the console then
shows is derived as it always is. The same each time but for the hour. Everybody logs out in the
end, so that the only links in the demo are those that its visitor makes.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

from sqlalchemy.orm import Session

from app.accounts import local
from app.cli.demo_stories import PEOPLE, SEED, STORIES, Day, Story, Visit, address_of, identity_of
from app.infra.database.portions import in_portions
from app.infra.database.writer import Writer
from app.linking import (
    attempt_events,
    delivery_counts,
    settling,
    sign_in_names,
)
from app.linking.attempt_events import Counted, Key
from app.messenger.types import PageId
from app.services.container import Services

# Less than a day: attempts in which nobody was recognised are kept for 24 hours.
LASTS: Final = timedelta(hours=22)
# Everything is settled by its end.
ENDS_BEFORE: Final = timedelta(minutes=15)
# How many come in each hour of a day, of the clock.
_HOURS: Final = (
    2,
    1,
    1,
    1,
    1,
    2,
    4,
    7,
    9,
    10,
    10,
    11,
    12,
    11,
    10,
    10,
    11,
    13,
    15,
    16,
    15,
    11,
    7,
    4,
)
ONE_HOUR: Final = timedelta(hours=1)
# Attempts in one transaction, and deliveries of Messenger for each.
PORTION: Final = 40
LIMIT_SECONDS: Final = 60.0
DELIVERIES_EACH: Final = 3


def generate(services: Services, page_id: PageId, *, at: datetime) -> int:
    """Store a day of attempts on *page_id* that ends before *at*; return how many."""
    # Nobody waits for one of its transactions, however busy the machine is.
    writer = Writer(services.engine, limit_seconds=LIMIT_SECONDS)
    ends_at = at - ENDS_BEFORE
    subjects = writer.write(_add_accounts, services, ends_at)
    day = Day(page_id, ends_at, subjects, secrets.token_bytes(32))
    planned = _plan(ends_at)
    for begin in range(0, len(planned), PORTION):
        writer.write(_store, day, planned[begin : begin + PORTION])
    for _ in in_portions(writer, settling.unsettled(at)):
        pass
    writer.close()
    return len(planned)


def _plan(ends_at: datetime) -> list[tuple[int, datetime, Story]]:
    """Return number, beginning and story of each visit, the earliest first."""
    random = Random(SEED)  # noqa: S311 - no secret
    stories = [story for number, story in STORIES for _ in range(number)]
    random.shuffle(stories)
    hours = [ends_at - LASTS + timedelta(hours=each) for each in range(LASTS // ONE_HOUR)]
    chosen = random.choices(hours, [_HOURS[hour.hour] for hour in hours], k=len(stories))
    # Nobody begins in the last minutes of an hour: each visit is over by the end of the day.
    times = sorted(hour + timedelta(seconds=random.randrange(2400)) for hour in chosen)
    return [(number, *visit) for number, visit in enumerate(zip(times, stories, strict=True), 1)]


def _add_accounts(session: Session, services: Services, at: datetime) -> dict[str, str]:
    """Add everybody's account, to be looked up; return the subjects."""
    # Nobody knows it.
    password_hash = services.hasher.hash(secrets.token_urlsafe(32))
    subjects = {}
    for name in PEOPLE:
        subjects[name] = local.add(session, address_of(name), None, password_hash, at=at - LASTS)
        identity = identity_of(name, subjects)
        hashes = services.name_hasher.hashes_of(identity)
        sign_in_names.remember(session, identity, hashes, at=at)
    return subjects


def _store(session: Session, day: Day, planned: Sequence[tuple[int, datetime, Story]]) -> None:
    delivered: dict[tuple[datetime, delivery_counts.Signer], int] = {}
    events: dict[Key, Counted] = {}
    for number, at, story in planned:
        visit = Visit(session, day, number, at)
        for step in story:
            step(visit)
        minute: tuple[datetime, delivery_counts.Signer] = (delivery_counts.minute_of(at), "current")
        delivered[minute] = delivered.get(minute, 0) + DELIVERIES_EACH
        events |= visit.events
    delivery_counts.add(session, delivered)
    attempt_events.record(session, events)
