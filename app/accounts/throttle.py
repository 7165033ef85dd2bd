"""How often who has tried, kept in the database: restarts do not forget, all workers see it.

A try is counted before anything is looked at, and given back if it turns out to be none: however
many come at once, no more get through than the limit says. Nothing here commits.

    read(throttle.check, counters, at=…)              sends most floods away without a write
    taken = write(throttle.take, counters, at=…)
    …verify…  wrong: nothing to do, but taken.is_alarming is for the operator
              right: write(throttle.clear, taken), with what else is written
              not to be told now: write(throttle.give_back, taken)

When the database fails, the caller lets the person try, and says so in the log.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Throttle
from app.accounts.rate_limits import (
    IDENTIFIER,
    LIMITS,
    PAIR,
    SKEW,
    STREAK,
    Counter,
    Tries,
    counting,
    kept,
    moment,
    wait_for_identifier,
    wait_until_room,
)
from app.infra.database.engine import insert_into


class Throttled(Exception):
    """Too many tries; the same one is heard after *retry_after_seconds*."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Taken:
    """A try that has been counted."""

    counters: tuple[Counter, ...]
    at: datetime
    is_alarming: bool
    """Should it fail, it ends so long a row of failures that the operator wants to know."""


def check(session: Session, counters: Sequence[Counter], *, at: datetime) -> None:
    """Raise if a try would be refused now; count nothing.

    Raises:
        Throttled: One of the limits is reached.
    """
    _refuse_beyond_limits(_load(session, counters, at), at)


def take(session: Session, counters: Sequence[Counter], *, at: datetime) -> Taken:
    """Count one try by all *counters*, unless one of the limits is reached.

    Raises:
        Throttled: It is reached; nothing has been counted.
    """
    # Whoever counts by the same key at the same time waits here until we have committed, and
    # reads what we have counted. In one order, or two could wait for each other.
    rows = [
        {"key": counter.key, "window_at": moment(counter.limit, at), "failures": 1}
        for counter in sorted(counters, key=lambda counter: counter.key)
    ]
    session.execute(
        insert_into(session.get_bind().dialect.name, Throttle)
        .values(rows)
        .on_conflict_do_update(
            index_elements=[Throttle.key, Throttle.window_at],
            set_={"failures": Throttle.failures + 1},
        )
    )
    before = {
        counter: _without_one(tries, moment(counter.limit, at))
        for counter, tries in _load(session, counters, at).items()
    }
    _refuse_beyond_limits(before, at)
    _forget_future(session, counters, at)
    return Taken(tuple(counters), at, _is_alarming(before))


def refund(session: Session, taken: Taken) -> None:
    """Count *taken* no more: whether the credentials were right could not be told."""
    _uncount(session, taken.counters, taken.at)


def clear(session: Session, taken: Taken) -> None:
    """Forget, after a sign-in, what its owner has got wrong before.

    That is what was counted by name and address together, and the row of failures by name. The
    other counts lose this try alone: whoever has an account of his own could otherwise wipe out
    his guesses at those of others, and a sign-in would open the name anew to whoever guesses.
    """
    forgiven = [one for one in taken.counters if one.limit in (PAIR, STREAK)]
    session.execute(
        delete(Throttle).where(Throttle.key.in_([one.key for one in forgiven])),
        execution_options={"synchronize_session": False},
    )
    _uncount(session, [one for one in taken.counters if one not in forgiven], taken.at)


def purge(session: Session, *, at: datetime) -> None:
    """Remove what no limit counts any more."""
    no_more = (
        and_(
            Throttle.key.startswith(f"{limit.name}:", autoescape=True),
            or_(Throttle.window_at <= at - kept(limit), Throttle.window_at > at + SKEW),
        )
        for limit in LIMITS
    )
    session.execute(
        delete(Throttle).where(or_(*no_more)), execution_options={"synchronize_session": False}
    )


def _load(
    session: Session, counters: Sequence[Counter], at: datetime
) -> Mapping[Counter, list[Tries]]:
    longest = max(kept(counter.limit) for counter in counters)
    rows = session.execute(
        select(Throttle.key, Throttle.window_at, Throttle.failures)
        .where(Throttle.key.in_([counter.key for counter in counters]))
        .where(Throttle.window_at > at - longest)
    )
    by_key: dict[str, list[Tries]] = defaultdict(list)
    for key, window_at, failures in rows:
        by_key[key].append(Tries(window_at, failures))
    return {one: counting(one.limit, by_key[one.key], at=at) for one in counters}


def _without_one(tries: Iterable[Tries], window_at: datetime) -> list[Tries]:
    less = (
        Tries(one.window_at, one.count - 1) if one.window_at == window_at else one for one in tries
    )
    return [one for one in less if one.count > 0]


def _refuse_beyond_limits(seen: Mapping[Counter, Sequence[Tries]], at: datetime) -> None:
    wait = timedelta(0)
    own = [one for counter, tries in seen.items() if counter.limit is PAIR for one in tries]
    for counter, tries in seen.items():
        if counter.limit is STREAK:
            continue
        if counter.limit is IDENTIFIER:
            wait = max(wait, wait_for_identifier(tries, own, at=at))
        else:
            wait = max(wait, wait_until_room(counter.limit, tries, at=at))
    if wait > timedelta(0):
        raise Throttled(math.ceil(wait.total_seconds()))


def _is_alarming(before: Mapping[Counter, Sequence[Tries]]) -> bool:
    return any(
        counter.limit is STREAK and sum(one.count for one in tries) + 1 >= STREAK.most
        for counter, tries in before.items()
    )


def _forget_future(session: Session, counters: Sequence[Counter], at: datetime) -> None:
    # Written before the clock was put back; it would count again when that time comes round.
    ours = Throttle.key.in_([counter.key for counter in counters])
    session.execute(
        delete(Throttle).where(ours, Throttle.window_at > at + SKEW),
        execution_options={"synchronize_session": False},
    )


def _uncount(session: Session, counters: Iterable[Counter], at: datetime) -> None:
    mine = [
        and_(Throttle.key == one.key, Throttle.window_at == moment(one.limit, at))
        for one in counters
    ]
    if not mine:
        return
    session.execute(
        update(Throttle)
        .where(or_(*mine), Throttle.failures > 0)
        .values(failures=Throttle.failures - 1),
        execution_options={"synchronize_session": False},
    )
