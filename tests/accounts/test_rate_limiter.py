from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.accounts import rate_limiter
from app.accounts.models import RateLimitBucket
from app.accounts.rate_limiter import Hit, RateLimited
from app.accounts.rate_limits import Counter, RateLimitKeys

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEYS = RateLimitKeys(b"secret")
HOME, CAFE = "192.0.2.1", "198.51.100.1"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def fail(session: Session, counters: Iterable[Counter], times: int, *, now: datetime) -> None:
    """Count *times* hits that are neither refunded nor cleared."""
    for _ in range(times):
        rate_limiter.hit(session, tuple(counters), at=now)


def wait(session: Session, counters: Iterable[Counter], *, now: datetime) -> int:
    """Return how many seconds the next hit must wait."""
    try:
        rate_limiter.check(session, tuple(counters), at=now)
    except RateLimited as limited:
        return limited.retry_after_seconds
    return 0


def guesses_from_everywhere(
    session: Session, name: str, count: int, *, now: datetime = NOON
) -> Hit:
    """Fail *count* times under *name*, four times from each address."""
    for number in range(count):
        counters = KEYS.sign_in(name, f"203.0.{number // 4}.1")
        counted = rate_limiter.hit(session, counters, at=now)
    return counted


def test_the_sixth_failure_of_an_address_at_a_name_is_refused(session: Session) -> None:
    """R61: with the time to wait, for Retry-After."""
    jane = KEYS.sign_in("jane", HOME)
    fail(session, jane, 5, now=NOON)

    with pytest.raises(RateLimited) as limited:
        rate_limiter.hit(session, jane, at=at(100))

    assert 200 == limited.value.retry_after_seconds
    assert 0 == wait(session, jane, now=at(300))


def test_a_name_is_free_elsewhere_and_an_address_for_others(session: Session) -> None:
    """R61: a stranger cannot keep the owner out."""
    fail(session, KEYS.sign_in("jane", HOME), 5, now=NOON)

    assert 0 == wait(session, KEYS.sign_in("jane", CAFE), now=NOON)
    assert 0 == wait(session, KEYS.sign_in("ben", HOME), now=NOON)


def test_an_address_is_refused_after_thirty_failures_at_any_names(session: Session) -> None:
    """R61."""
    for number in range(30):
        fail(session, KEYS.sign_in(f"user{number}", HOME), 1, now=NOON)

    assert 300 == wait(session, KEYS.sign_in("jane", "192.0.2.99"), now=NOON)
    assert 0 == wait(session, KEYS.sign_in("jane", CAFE), now=NOON)


def test_a_messenger_profile_is_refused_after_ten_in_an_hour(session: Session) -> None:
    """R61: on its page; the same PSID on another page is another person."""
    fail(session, KEYS.person("1", "77"), 10, now=NOON)

    assert 3600 == wait(session, KEYS.person("1", "77"), now=NOON)
    assert 0 == wait(session, KEYS.person("2", "77"), now=NOON)
    assert 0 == wait(session, KEYS.person("1", "77"), now=at(3600))


def test_opens_and_refused_tokens_have_limits_of_their_own(session: Session) -> None:
    """R8, R14."""
    fail(session, KEYS.refused_tokens(HOME), 10, now=NOON)
    for second in range(300):
        fail(session, KEYS.opens(HOME), 1, now=at(second))

    assert 300 == wait(session, KEYS.refused_tokens(HOME), now=NOON)
    assert 1 == wait(session, KEYS.opens(HOME), now=at(299))
    assert 0 == wait(session, KEYS.sign_in("jane", HOME), now=at(299))


def test_a_name_under_attack_waits_a_minute_at_most(session: Session) -> None:
    """R61: from the fiftieth failure within an hour, wherever they come from."""
    guesses_from_everywhere(session, "jane", 49)
    assert 0 == wait(session, KEYS.sign_in("jane", HOME), now=NOON)

    fail(session, KEYS.sign_in("jane", CAFE), 1, now=NOON)

    assert 60 == wait(session, KEYS.sign_in("jane", HOME), now=NOON)
    assert 0 == wait(session, KEYS.sign_in("jane", HOME), now=at(60))
    assert 0 == wait(session, KEYS.sign_in("ben", HOME), now=NOON)


def test_an_owner_gets_in_while_strangers_go_on_guessing(session: Session) -> None:
    """R61: their failures during the owner's wait do not lengthen it; the owner's own would."""
    guesses_from_everywhere(session, "jane", 50)
    jane = KEYS.sign_in("jane", HOME)

    guesses_from_everywhere(session, "jane", 1, now=at(60))
    counted = rate_limiter.hit(session, jane, at=at(60))

    assert 60 == wait(session, jane, now=at(60))
    rate_limiter.clear(session, counted)
    assert 0 == wait(session, jane, now=at(61))


def test_the_operator_is_alerted_from_a_hundred_failures_in_a_row(session: Session) -> None:
    """R61."""
    for number in range(98):
        guesses_from_everywhere(session, "jane", 1, now=at(number * 600))
    now = at(98 * 600)

    assert not guesses_from_everywhere(session, "jane", 1, now=now).is_alarming
    assert rate_limiter.hit(session, KEYS.sign_in("jane", HOME), at=now).is_alarming
    assert rate_limiter.hit(session, KEYS.sign_in("jane", CAFE), at=now).is_alarming


def test_a_sign_in_ends_the_row_of_failures(session: Session) -> None:
    for number in range(98):
        guesses_from_everywhere(session, "jane", 1, now=at(number * 600))
    now = at(98 * 600)
    rate_limiter.clear(session, rate_limiter.hit(session, KEYS.sign_in("jane", HOME), at=now))

    assert not guesses_from_everywhere(session, "jane", 2, now=now).is_alarming


def test_a_sign_in_clears_the_owners_typing_errors(session: Session) -> None:
    jane = KEYS.sign_in("jane", HOME)
    fail(session, jane, 4, now=NOON)

    rate_limiter.clear(session, rate_limiter.hit(session, jane, at=NOON))
    fail(session, jane, 4, now=NOON)

    assert 0 == wait(session, jane, now=NOON)


def test_an_attacker_cannot_clear_guesses_with_another_account(session: Session) -> None:
    """R61: neither those of the address nor those of the Messenger profile."""
    me = KEYS.person("1", "666")
    for number in range(9):
        fail(session, KEYS.sign_in(f"user{number}", HOME) + me, 1, now=NOON)

    rate_limiter.clear(
        session, rate_limiter.hit(session, KEYS.sign_in("mallory", HOME) + me, at=NOON)
    )
    fail(session, KEYS.sign_in("user9", HOME) + me, 1, now=NOON)

    assert 3600 == wait(session, me, now=NOON)


def test_an_owners_sign_in_does_not_reopen_the_name_to_guessing(session: Session) -> None:
    """R61: the fiftieth failure stays the fiftieth."""
    guesses_from_everywhere(session, "jane", 49)

    rate_limiter.clear(session, rate_limiter.hit(session, KEYS.sign_in("jane", HOME), at=NOON))
    guesses_from_everywhere(session, "jane", 1)

    assert 60 == wait(session, KEYS.sign_in("jane", CAFE), now=NOON)


def test_sign_ins_are_no_failures_of_their_address(session: Session) -> None:
    """Mobile carriers put many people behind one address."""
    for number in range(40):
        counted = rate_limiter.hit(session, KEYS.sign_in(f"user{number}", HOME), at=NOON)
        rate_limiter.clear(session, counted)

    assert 0 == wait(session, KEYS.sign_in("jane", HOME), now=NOON)


def test_a_hit_whose_credentials_could_not_be_checked_is_refunded(session: Session) -> None:
    """An outage of ours or of the directory locks nobody out."""
    jane = KEYS.sign_in("jane", HOME) + KEYS.person("1", "77")
    for _ in range(40):
        rate_limiter.refund(session, rate_limiter.hit(session, jane, at=NOON))

    assert 0 == wait(session, jane, now=NOON)


def test_refunding_twice_makes_no_credit(session: Session) -> None:
    """A use case may run twice."""
    jane = KEYS.sign_in("jane", HOME)
    counted = rate_limiter.hit(session, jane, at=NOON)
    rate_limiter.refund(session, counted)
    rate_limiter.refund(session, counted)

    fail(session, jane, 5, now=NOON)

    assert 300 == wait(session, jane, now=NOON)


def test_refused_hits_lengthen_no_wait(engine: Engine) -> None:
    """R61: a refused hit is rolled back."""
    jane = KEYS.sign_in("jane", HOME)
    with Session(engine) as session, session.begin():
        fail(session, jane, 5, now=NOON)

    for second in range(10):
        with pytest.raises(RateLimited), Session(engine) as session, session.begin():
            rate_limiter.hit(session, jane, at=at(second))

    with Session(engine) as session:
        assert 290 == wait(session, jane, now=at(10))


def test_checking_counts_nothing(session: Session) -> None:
    for _ in range(10):
        assert 0 == wait(session, KEYS.sign_in("jane", HOME), now=NOON)

    assert [] == list(session.scalars(select(RateLimitBucket)))


def test_no_more_than_five_of_twenty_at_once_get_through(engine: Engine) -> None:
    """R61: simultaneous guesses are counted before any of them is checked."""
    jane = KEYS.sign_in("jane", HOME)
    together = Barrier(20)

    def guess(_number: int) -> bool:
        together.wait()
        try:
            with Session(engine) as session, session.begin():
                rate_limiter.hit(session, jane, at=NOON)
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        allowed = list(threads.map(guess, range(20)))

    assert 5 == sum(allowed)


def test_crossing_names_and_addresses_do_not_deadlock(engine: Engine) -> None:
    """Rows are locked in one order: two requests that share some never wait for each other."""
    people = [
        KEYS.sign_in(name, address) for name in ("jane", "ben") for address in (HOME, CAFE)
    ] * 4
    together = Barrier(len(people))

    def guess(counters: tuple[Counter, ...]) -> None:
        together.wait()
        with Session(engine) as session, session.begin():
            rate_limiter.hit(session, counters[::-1], at=NOON)

    with ThreadPoolExecutor(len(people)) as threads:
        list(threads.map(guess, people))

    with Session(engine) as session:
        failures = session.scalars(select(RateLimitBucket.failures)).all()
    assert sorted([4] * 4 + [8] * 6) == sorted(failures)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1)], ids=["hour", "day"])
def test_a_clock_put_back_does_not_refuse_again_later(session: Session, step: timedelta) -> None:
    """R123: nor do old failures count again when the clock reaches their time once more."""
    jane = KEYS.sign_in("jane", HOME)
    fail(session, jane, 5, now=NOON)

    assert 0 == wait(session, jane, now=NOON - step)
    fail(session, jane, 5, now=NOON - step)
    assert 300 == wait(session, jane, now=NOON - step)

    assert 0 == wait(session, jane, now=NOON)


def test_the_table_holds_no_name_and_no_address(session: Session) -> None:
    """R61, R109."""
    fail(session, KEYS.sign_in("jane@example.com", HOME) + KEYS.person("1", "77"), 1, now=NOON)

    stored = " ".join(session.scalars(select(RateLimitBucket.key)))

    assert not [word for word in ("jane", "example", "192.0.2", ":77") if word in stored]


def test_purging_keeps_only_the_buckets_that_still_matter(session: Session) -> None:
    """Otherwise the table would grow with every visitor."""
    fail(session, KEYS.opens(HOME), 1, now=NOON)
    fail(session, KEYS.person("1", "77"), 10, now=NOON)

    rate_limiter.purge(session, at=at(301))
    assert ["person"] == [
        key.partition(":")[0] for key in session.scalars(select(RateLimitBucket.key))
    ]
    assert 3299 == wait(session, KEYS.person("1", "77"), now=at(301))

    rate_limiter.purge(session, at=at(3600))
    assert [] == session.scalars(select(RateLimitBucket)).all()


def test_purging_removes_buckets_that_a_wrong_clock_wrote(session: Session) -> None:
    """R123: no row stays for ever."""
    fail(session, KEYS.sign_in("jane", HOME), 1, now=NOON + timedelta(days=3650))

    rate_limiter.purge(session, at=NOON)

    assert [] == session.scalars(select(RateLimitBucket)).all()
