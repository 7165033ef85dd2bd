from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.accounts import rate_limiter
from app.accounts.models import RateLimitBucket
from app.accounts.rate_limit_keys import Counter, RateLimitKeys
from app.accounts.rate_limiter import Hit, RateLimited
from app.accounts.rate_limits import FAILED_BEFORE
from tests.accounts.spellings import loose_spellings
from tests.cleanups import clean

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEYS = RateLimitKeys(b"secret")
# Each in a network of its own.
HOME, CAFE = "192.0.2.1", "198.51.100.1"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def sign_in(name: str, address: str = HOME, psid: str = "77") -> tuple[Counter, ...]:
    return KEYS.sign_in(name, address, "1", psid)


def fail(session: Session, counters: Iterable[Counter], times: int, *, now: datetime) -> None:
    """Count *times* hits that are not refunded."""
    for _ in range(times):
        rate_limiter.hit(session, tuple(counters), at=now)


def wait(session: Session, counters: Iterable[Counter], *, now: datetime) -> int:
    """Return how many seconds the next hit must wait."""
    try:
        rate_limiter.check(session, tuple(counters), at=now)
    except RateLimited as limited:
        return limited.retry_after_seconds
    return 0


def has_failed(session: Session, psid: str, *, now: datetime = NOON) -> None:
    """Have a profile fail elsewhere as often as shared limits forgive."""
    fail(session, sign_in(f"a name of {psid}", "203.0.113.200", psid), FAILED_BEFORE, now=now)


def guesses_from_everywhere(
    session: Session, name: str, count: int, *, now: datetime = NOON
) -> Hit:
    """Fail *count* times under *name*, four times from each network, each time as a new profile."""
    for number in range(count):
        counters = sign_in(name, f"203.0.{number // 4}.1", f"stranger {number} {now}")
        counted = rate_limiter.hit(session, counters, at=now)
    return counted


def fill(session: Session, counters: Iterable[Counter], hits: int) -> None:
    """Have each of *counters* so many hits at noon."""
    for counter in counters:
        session.add(RateLimitBucket(key=counter.key, window_at=NOON, failures=hits))
    session.flush()


def guesses_in_ten_minutes(
    session: Session, profiles: int, *, name: str | None, addresses: Sequence[str]
) -> int:
    """Return how many guesses get through, of *profiles* that try again every minute."""
    counted = 0
    for minute, number in product(range(10), range(profiles)):
        counters = sign_in(
            name or f"name {minute} {number}", addresses[number % len(addresses)], f"{number}"
        )
        try:
            with session.begin_nested():
                rate_limiter.hit(session, counters, at=at(minute * 60))
            counted += 1
        except RateLimited:
            pass
    return counted


def test_the_sixth_failure_at_a_name_is_refused(session: Session) -> None:
    """R61: with the time to wait, for Retry-After."""
    jane = sign_in("jane")
    fail(session, jane, 5, now=NOON)

    with pytest.raises(RateLimited) as limited:
        rate_limiter.hit(session, jane, at=at(100))

    assert 200 == limited.value.retry_after_seconds
    assert 0 == wait(session, jane, now=at(300))


def test_a_name_is_free_elsewhere_and_a_network_for_others(session: Session) -> None:
    """R61: a stranger cannot keep the owner out."""
    fail(session, sign_in("jane"), 5, now=NOON)

    assert 0 == wait(session, sign_in("jane", CAFE), now=NOON)
    assert 0 == wait(session, sign_in("ben"), now=NOON)


@pytest.mark.parametrize("failed", [0, FAILED_BEFORE - 1])
def test_strangers_keep_nobody_out_who_shares_a_name_or_network(
    session: Session, failed: int
) -> None:
    """R61: neither those who guess from the same address, nor those who guess at the name."""
    fail(session, sign_in("owner's errors", CAFE, "owner"), failed, now=NOON)
    for number in range(55):
        fail(session, sign_in("jane", HOME, f"stranger {number}"), 1, now=NOON)

    assert 0 == wait(session, sign_in("jane", HOME, "owner"), now=NOON)


def test_who_has_failed_before_waits_with_the_network(session: Session) -> None:
    """R61: after thirty failures at any names, by whomever."""
    for number in range(30):
        fail(session, sign_in(f"user{number}", HOME, f"stranger {number}"), 1, now=NOON)
    has_failed(session, "77")

    assert 300 == wait(session, sign_in("jane", "192.0.2.99"), now=NOON)
    assert 0 == wait(session, sign_in("jane", CAFE), now=NOON)
    assert 0 == wait(session, sign_in("jane", "192.0.2.99"), now=at(300))


def test_a_messenger_profile_is_refused_after_ten_in_an_hour(session: Session) -> None:
    """R61: on its page, whatever names; the same PSID on another page is another person."""
    for number in range(10):
        fail(session, sign_in(f"user{number}", f"203.0.{number}.1"), 1, now=NOON)

    assert 3600 == wait(session, sign_in("jane"), now=NOON)
    assert 0 == wait(session, KEYS.sign_in("jane", HOME, "2", "77"), now=NOON)
    assert 0 == wait(session, sign_in("jane"), now=at(3600))


def test_guesses_from_one_network_are_bounded(session: Session) -> None:
    """R61, docs/security.md: spread over its addresses and over all names; not ten of each."""
    spread = [f"192.0.2.{number}" for number in range(1, 255)]

    counted = guesses_in_ten_minutes(session, 20, name=None, addresses=spread)

    assert 2 * 30 <= counted <= 2 * 30 + 3 * 20


@pytest.mark.parametrize("networks", [1, 4])
def test_guesses_at_one_name_are_bounded(session: Session, networks: int) -> None:
    """R61, docs/security.md: five in five minutes from each network, and three of each profile."""
    addresses = [f"203.0.{number}.1" for number in range(networks)]

    counted = guesses_in_ten_minutes(session, 20, name="jane", addresses=addresses)

    assert 2 * 5 * networks <= counted <= 2 * 5 * networks + 3 * 20


def test_a_sign_in_page_is_opened_by_address_and_by_network(session: Session) -> None:
    """R8, R61: one address cannot keep the others of its network out."""
    fill(session, KEYS.opens(HOME), 300)

    assert 300 == wait(session, KEYS.opens(HOME), now=NOON)
    assert 0 == wait(session, KEYS.opens("192.0.2.2"), now=NOON)


def test_a_network_that_floods_the_sign_in_page_is_refused(session: Session) -> None:
    """R8, R61: a /24 is cheap to have."""
    (_, of_network) = KEYS.opens(HOME)
    fill(session, [of_network], 3_000)

    assert 300 == wait(session, KEYS.opens("192.0.2.99"), now=NOON)
    assert 0 == wait(session, KEYS.opens(CAFE), now=NOON)


def test_refused_tokens_are_counted_by_address_and_by_network(session: Session) -> None:
    """R14, R61."""
    alone, of_network = KEYS.refused_tokens("2001:db8::1")
    fill(session, [alone], 30)

    assert 300 == wait(session, KEYS.refused_tokens("2001:db8::2"), now=NOON)
    assert 0 == wait(session, KEYS.refused_tokens("2001:db8:0:1::1"), now=NOON)
    fill(session, [of_network], 300)
    assert 300 == wait(session, KEYS.refused_tokens("2001:db8:0:1::1"), now=NOON)
    assert 0 == wait(session, sign_in("jane", "2001:db8::1"), now=NOON)


def test_a_network_s_visits_to_providers_refuse_who_has_been_there(session: Session) -> None:
    """R61: a newcomer is not refused."""
    for number in range(100):
        fail(session, KEYS.provider_visit(HOME, "1", f"stranger {number}"), 1, now=NOON)
    has_failed(session, "77")

    assert 300 == wait(session, KEYS.provider_visit(HOME, "1", "77"), now=NOON)
    assert 0 == wait(session, KEYS.provider_visit(HOME, "1", "owner"), now=NOON)


def test_a_name_under_attack_waits_a_minute_at_most(session: Session) -> None:
    """R61: from the fiftieth failure within an hour, wherever they come from."""
    has_failed(session, "77")
    guesses_from_everywhere(session, "jane", 49)
    assert 0 == wait(session, sign_in("jane"), now=NOON)

    fail(session, sign_in("jane", CAFE, "another"), 1, now=NOON)

    assert 60 == wait(session, sign_in("jane"), now=NOON)
    assert 0 == wait(session, sign_in("jane"), now=at(60))
    assert 0 == wait(session, sign_in("ben"), now=NOON)
    assert 0 == wait(session, sign_in("jane", HOME, "owner"), now=NOON)


def test_an_owner_gets_in_while_strangers_go_on_guessing(session: Session) -> None:
    """R61: their failures during the owner's wait do not lengthen it; the owner's own would."""
    has_failed(session, "77")
    guesses_from_everywhere(session, "jane", 50)
    jane = sign_in("jane")

    guesses_from_everywhere(session, "jane", 1, now=at(60))
    counted = rate_limiter.hit(session, jane, at=at(60))

    assert 60 == wait(session, jane, now=at(60))
    rate_limiter.refund(session, counted)
    assert 0 == wait(session, jane, now=at(61))


def test_the_operator_is_alerted_from_a_hundred_failures_in_a_day(session: Session) -> None:
    """R61."""
    for number in range(98):
        guesses_from_everywhere(session, "jane", 1, now=at(number * 600))
    now = at(98 * 600)

    assert not guesses_from_everywhere(session, "jane", 1, now=now).is_alarming
    assert rate_limiter.hit(session, sign_in("jane"), at=now).is_alarming
    assert rate_limiter.hit(session, sign_in("jane", CAFE), at=now).is_alarming


def test_a_sign_in_takes_back_its_own_hit_alone(session: Session) -> None:
    """R61: an attacker with an account, or a visit of the owner, makes no guess free."""
    fill(session, sign_in("jane", CAFE, "strangers"), 99)
    fail(session, sign_in("jane"), FAILED_BEFORE - 1, now=NOON)
    before = failures(session)

    rate_limiter.refund(session, rate_limiter.hit(session, sign_in("jane"), at=NOON))

    assert before == failures(session)
    assert rate_limiter.hit(session, sign_in("jane"), at=NOON).is_alarming


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
def test_a_name_has_five_tries_however_it_is_spelt(data: st.DataObject, session: Session) -> None:
    """R61: by profiles that have failed before; and a sign-in as one spelling clears nothing."""
    with session.begin_nested() as undone:
        for psid in range(6):
            has_failed(session, f"{psid}")
        spellings = data.draw(st.lists(loose_spellings("mike"), min_size=6, max_size=6))
        mine = sign_in(data.draw(loose_spellings("mike")), HOME, "mallory")
        for psid, spelling in enumerate(spellings[:5]):
            fail(session, sign_in(spelling, HOME, f"{psid}"), 1, now=NOON)
            rate_limiter.refund(session, rate_limiter.hit(session, mine, at=NOON))

        assert 300 == wait(session, sign_in(spellings[5], HOME, "5"), now=NOON)
        undone.rollback()


def failures(session: Session) -> dict[str, int]:
    """Return the failures by counter."""
    rows = session.execute(select(RateLimitBucket.key, RateLimitBucket.failures))
    return {key: count for key, count in rows if count}


def test_a_hit_whose_credentials_could_not_be_checked_is_refunded(session: Session) -> None:
    """An outage of ours or of the directory locks nobody out."""
    jane = sign_in("jane")
    for _ in range(40):
        rate_limiter.refund(session, rate_limiter.hit(session, jane, at=NOON))

    assert 0 == wait(session, jane, now=NOON)


def test_refunding_twice_makes_no_credit(session: Session) -> None:
    """A use case may run twice."""
    jane = sign_in("jane")
    counted = rate_limiter.hit(session, jane, at=NOON)
    rate_limiter.refund(session, counted)
    rate_limiter.refund(session, counted)

    fail(session, jane, 5, now=NOON)

    assert 300 == wait(session, jane, now=NOON)


def test_refused_hits_lengthen_no_wait(engine: Engine) -> None:
    """R61: a refused hit is rolled back."""
    jane = sign_in("jane")
    with Session(engine) as session, session.begin():
        fail(session, jane, 5, now=NOON)

    for second in range(10):
        with pytest.raises(RateLimited), Session(engine) as session, session.begin():
            rate_limiter.hit(session, jane, at=at(second))

    with Session(engine) as session:
        assert 290 == wait(session, jane, now=at(10))


def test_checking_counts_nothing(session: Session) -> None:
    for _ in range(10):
        assert 0 == wait(session, sign_in("jane"), now=NOON)

    assert [] == list(session.scalars(select(RateLimitBucket)))


def test_no_more_than_five_of_twenty_at_once_get_through(engine: Engine) -> None:
    """R61: simultaneous guesses are counted before any of them is checked."""
    jane = sign_in("jane")
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
        sign_in(name, address, psid)
        for name in ("jane", "ben")
        for address, psid in ((HOME, "77"), (CAFE, "88"))
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
    assert sorted([4] * 4 + [8] * 8) == sorted(failures)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1)], ids=["hour", "day"])
def test_a_clock_put_back_does_not_refuse_again_later(session: Session, step: timedelta) -> None:
    """R123: nor do old failures count again when the clock reaches their time once more."""
    jane = sign_in("jane")
    fail(session, jane, 5, now=NOON)

    assert 0 == wait(session, jane, now=NOON - step)
    fail(session, jane, 5, now=NOON - step)
    assert 300 == wait(session, jane, now=NOON - step)

    assert 0 == wait(session, jane, now=NOON)


def test_the_table_holds_no_name_and_no_address(session: Session) -> None:
    """R61, R109."""
    fail(session, sign_in("jane@example.com"), 1, now=NOON)

    stored = " ".join(session.scalars(select(RateLimitBucket.key)))

    assert not [word for word in ("jane", "example", "192.0.2", ":77") if word in stored]


def test_purging_keeps_only_the_buckets_that_still_matter(session: Session) -> None:
    """Otherwise the table would grow with every visitor."""
    fail(session, KEYS.opens(HOME), 1, now=NOON)
    fail(session, KEYS.digits_sent("1", "77"), 10, now=NOON)

    clean(session, rate_limiter.outdated(at(301)))
    assert ["digits"] == [
        key.partition(":")[0] for key in session.scalars(select(RateLimitBucket.key))
    ]
    assert 3299 == wait(session, KEYS.digits_sent("1", "77"), now=at(301))

    clean(session, rate_limiter.outdated(at(3600)))
    assert [] == session.scalars(select(RateLimitBucket)).all()


def test_purging_removes_buckets_that_a_wrong_clock_wrote(session: Session) -> None:
    """R123: no row stays for ever."""
    fail(session, sign_in("jane"), 1, now=NOON + timedelta(days=3650))

    clean(session, rate_limiter.outdated(NOON))

    assert [] == session.scalars(select(RateLimitBucket)).all()
