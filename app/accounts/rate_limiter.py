"""The rate limiter: hits counted in the database, so that restarts and all workers respect them.

A hit is counted before the credentials are checked, and refunded if they could not be checked:
however many requests arrive at once, no more get through than the limits allow. Nothing here
commits.

    read(rate_limiter.check, counters, at=…)         refuses most floods without a write
    hit = write(rate_limiter.hit, counters, at=…)
    …verify…  wrong: nothing to do, but alert the operator if hit.is_alarming
              right: write(rate_limiter.refund, hit), with the rest that is written
              not checked: write(rate_limiter.refund, hit)

A sign-in takes back its own hit alone. Earlier failures stay until they are old: names of different
people may be counted as one, so that an attacker with an account could clear the guesses at
another one, and a sign-in by the owner would reopen the name to guessing.

If a hit cannot be written, the credentials are not looked at.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app.accounts.models import RateLimitBucket
from app.accounts.rate_limit_keys import Counter
from app.accounts.rate_limits import (
    FAILED_BEFORE,
    IDENTIFIER,
    LIMITS,
    PAIR,
    PERSON,
    SKEW,
    STREAK,
    Bucket,
    RateLimit,
    identifier_wait,
    recent,
    window_wait,
)
from app.infra.database.engine import insert_into
from app.infra.database.portions import PORTION, Cleanup

BucketKey: TypeAlias = tuple[str, datetime]


class RateLimited(Exception):
    """A rate limit is reached; the same request is allowed after *retry_after_seconds*.

    *limit* is the name of the one that makes wait longest, *until* the end of the wait.
    """

    def __init__(self, retry_after_seconds: int, *, limit: str, until: datetime) -> None:
        super().__init__(f"again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds
        self.limit, self.until = limit, until


@dataclass(frozen=True, slots=True)
class Hit:
    """A hit that has been counted."""

    counters: tuple[Counter, ...]
    at: datetime
    is_alarming: bool
    """If it fails, it ends a row of failures so long that the operator should be alerted."""


def check(session: Session, counters: Sequence[Counter], *, at: datetime) -> None:
    """Raise if a hit would be refused now; count nothing.

    Raises:
        RateLimited: One of the limits is reached.
    """
    _refuse_beyond_limits(_load(session, counters, at), at)


def hit(session: Session, counters: Sequence[Counter], *, at: datetime) -> Hit:
    """Count one hit by all *counters*, unless one of the limits is reached.

    Raises:
        RateLimited: It is reached; nothing has been counted.
    """
    # A transaction that counts by the same key waits here until we have committed, and then reads
    # our hit. Sorted: in different orders, two transactions could deadlock.
    rows = [
        {"key": counter.key, "window_at": counter.limit.bucket_start(at), "failures": 1}
        for counter in sorted(counters, key=lambda counter: counter.key)
    ]
    session.execute(
        insert_into(session.get_bind().dialect.name, RateLimitBucket)
        .values(rows)
        .on_conflict_do_update(
            index_elements=[RateLimitBucket.key, RateLimitBucket.window_at],
            set_={"failures": RateLimitBucket.failures + 1},
        )
    )
    before = {
        counter: _without_one(buckets, counter.limit.bucket_start(at))
        for counter, buckets in _load(session, counters, at).items()
    }
    _refuse_beyond_limits(before, at)
    _delete_future(session, counters, at)
    return Hit(tuple(counters), at, _is_alarming(before))


def refund(session: Session, counted: Hit) -> None:
    """Take *counted* back: its credentials were right, or could not be checked."""
    buckets = [
        and_(
            RateLimitBucket.key == counter.key,
            RateLimitBucket.window_at == counter.limit.bucket_start(counted.at),
        )
        for counter in counted.counters
    ]
    session.execute(
        update(RateLimitBucket)
        .where(or_(*buckets), RateLimitBucket.failures > 0)
        .values(failures=RateLimitBucket.failures - 1),
        execution_options={"synchronize_session": False},
    )


def outdated(at: datetime) -> Cleanup[BucketKey]:
    """Return what deletes the buckets that matter to no limit any more."""
    bucket_key = (RateLimitBucket.key, RateLimitBucket.window_at)
    is_outdated = or_(*(_is_outdated(limit, at) for limit in LIMITS))

    def find(session: Session, last: BucketKey | None) -> Sequence[BucketKey]:
        # In the order of keys: once through the index, from where the portion before has ended.
        rows = select(*bucket_key).where(is_outdated)
        if last is not None:
            rows = rows.where(tuple_(*bucket_key) > last)
        some = rows.order_by(*bucket_key).limit(PORTION)
        return [(row.key, row.window_at) for row in session.execute(some)]

    def forget(session: Session, keys: Sequence[BucketKey]) -> int:
        # One by one: SQLite reads the whole table for a list of pairs.
        this = (bucket_key[0] == bindparam("its_key")) & (bucket_key[1] == bindparam("its_window"))
        rows = [{"its_key": key, "its_window": window_at} for key, window_at in keys]
        session.connection().execute(delete(RateLimitBucket).where(this), rows)
        return len(rows)

    return Cleanup(find, forget)


def _is_outdated(limit: RateLimit, at: datetime) -> ColumnElement[bool]:
    return and_(
        RateLimitBucket.key.startswith(f"{limit.name}:", autoescape=True),
        or_(
            RateLimitBucket.window_at <= at - limit.lookback,
            RateLimitBucket.window_at > at + SKEW,
        ),
    )


def _load(
    session: Session, counters: Sequence[Counter], at: datetime
) -> Mapping[Counter, list[Bucket]]:
    longest = max(counter.limit.lookback for counter in counters)
    rows = session.execute(
        select(RateLimitBucket.key, RateLimitBucket.window_at, RateLimitBucket.failures)
        .where(RateLimitBucket.key.in_([counter.key for counter in counters]))
        .where(RateLimitBucket.window_at > at - longest)
    )
    by_key: dict[str, list[Bucket]] = defaultdict(list)
    for key, starts_at, hits in rows:
        by_key[key].append(Bucket(starts_at, hits))
    return {counter: recent(counter.limit, by_key[counter.key], at=at) for counter in counters}


def _without_one(buckets: Iterable[Bucket], starts_at: datetime) -> list[Bucket]:
    less = (
        Bucket(bucket.starts_at, bucket.hits - 1) if bucket.starts_at == starts_at else bucket
        for bucket in buckets
    )
    return [bucket for bucket in less if bucket.hits > 0]


def _refuse_beyond_limits(hits: Mapping[Counter, Sequence[Bucket]], at: datetime) -> None:
    own = [
        bucket for counter, buckets in hits.items() if counter.limit is PAIR for bucket in buckets
    ]
    has_failed = _has_failed(hits)
    waits = [
        (_wait(counter.limit, buckets, own, at), counter.limit.told_as)
        for counter, buckets in hits.items()
        if counter.limit is not STREAK and (has_failed or not counter.limit.is_shared)
    ]
    wait, limit = max(waits, default=(timedelta(0), ""))
    if wait > timedelta(0):
        raise RateLimited(math.ceil(wait.total_seconds()), limit=limit, until=at + wait)


def _wait(
    limit: RateLimit, buckets: Sequence[Bucket], own: Sequence[Bucket], at: datetime
) -> timedelta:
    if limit is IDENTIFIER:
        return identifier_wait(buckets, own, at=at)
    return window_wait(limit, buckets, at=at)


def _has_failed(hits: Mapping[Counter, Sequence[Bucket]]) -> bool:
    """Return whether the profile has failed so often that shared limits refuse it, too.

    True where no profile is known: nothing else would bound the tries of many addresses.
    """
    failures = [
        sum(bucket.hits for bucket in buckets)
        for counter, buckets in hits.items()
        if counter.limit is PERSON
    ]
    return not failures or max(failures) >= FAILED_BEFORE


def _is_alarming(before: Mapping[Counter, Sequence[Bucket]]) -> bool:
    return any(
        counter.limit is STREAK and sum(bucket.hits for bucket in buckets) + 1 >= STREAK.maximum
        for counter, buckets in before.items()
    )


def _delete_future(session: Session, counters: Sequence[Counter], at: datetime) -> None:
    # Written before the clock was set back; they would count when that time comes again.
    ours = RateLimitBucket.key.in_([counter.key for counter in counters])
    session.execute(
        delete(RateLimitBucket).where(ours, RateLimitBucket.window_at > at + SKEW),
        execution_options={"synchronize_session": False},
    )
