from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.accounts import throttle
from app.accounts.models import Throttle
from app.accounts.rate_limits import Counter, RateLimitKeys
from app.accounts.throttle import Taken, Throttled

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEYS = RateLimitKeys(b"secret")
HOME, CAFE = "192.0.2.1", "198.51.100.1"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def fail(session: Session, counters: Iterable[Counter], times: int, *, now: datetime) -> None:
    """Make *times* tries that nothing excuses."""
    for _ in range(times):
        throttle.take(session, tuple(counters), at=now)


def wait(session: Session, counters: Iterable[Counter], *, now: datetime) -> int:
    """Return how many seconds the next try has to wait."""
    try:
        throttle.check(session, tuple(counters), at=now)
    except Throttled as throttled:
        return throttled.retry_after_seconds
    return 0


def guesses_from_everywhere(
    session: Session, name: str, count: int, *, now: datetime = NOON
) -> Taken:
    """Fail *count* times under *name*, four times from each address."""
    for number in range(count):
        counters = KEYS.sign_in(name, f"203.0.{number // 4}.1")
        taken = throttle.take(session, counters, at=now)
    return taken


def test_the_sixth_failure_of_an_address_at_a_name_is_refused(session: Session) -> None:
    """R61: with the time to wait, for Retry-After."""
    jane = KEYS.sign_in("jane", HOME)
    fail(session, jane, 5, now=NOON)

    with pytest.raises(Throttled) as throttled:
        throttle.take(session, jane, at=at(100))

    assert 200 == throttled.value.retry_after_seconds
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
    """R61: on its page; the same PSID on another page is somebody else."""
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
    """R61: their failures during his wait do not lengthen it; his own would."""
    guesses_from_everywhere(session, "jane", 50)
    jane = KEYS.sign_in("jane", HOME)

    guesses_from_everywhere(session, "jane", 1, now=at(60))
    taken = throttle.take(session, jane, at=at(60))

    assert 60 == wait(session, jane, now=at(60))
    throttle.clear(session, taken)
    assert 0 == wait(session, jane, now=at(61))


def test_the_operator_is_told_from_a_hundred_failures_in_a_row(session: Session) -> None:
    """R61."""
    for number in range(98):
        guesses_from_everywhere(session, "jane", 1, now=at(number * 600))
    now = at(98 * 600)

    assert not guesses_from_everywhere(session, "jane", 1, now=now).is_alarming
    assert throttle.take(session, KEYS.sign_in("jane", HOME), at=now).is_alarming
    assert throttle.take(session, KEYS.sign_in("jane", CAFE), at=now).is_alarming


def test_a_sign_in_ends_the_row_of_failures(session: Session) -> None:
    for number in range(98):
        guesses_from_everywhere(session, "jane", 1, now=at(number * 600))
    now = at(98 * 600)
    throttle.clear(session, throttle.take(session, KEYS.sign_in("jane", HOME), at=now))

    assert not guesses_from_everywhere(session, "jane", 2, now=now).is_alarming


def test_a_sign_in_forgives_what_its_owner_mistyped(session: Session) -> None:
    jane = KEYS.sign_in("jane", HOME)
    fail(session, jane, 4, now=NOON)

    throttle.clear(session, throttle.take(session, jane, at=NOON))
    fail(session, jane, 4, now=NOON)

    assert 0 == wait(session, jane, now=NOON)


def test_a_guesser_cannot_wipe_out_guesses_with_an_account_of_his_own(session: Session) -> None:
    """R61: neither those of his address nor those of his Messenger profile."""
    me = KEYS.person("1", "666")
    for number in range(9):
        fail(session, KEYS.sign_in(f"user{number}", HOME) + me, 1, now=NOON)

    throttle.clear(session, throttle.take(session, KEYS.sign_in("mallory", HOME) + me, at=NOON))
    fail(session, KEYS.sign_in("user9", HOME) + me, 1, now=NOON)

    assert 3600 == wait(session, me, now=NOON)


def test_an_owners_sign_in_opens_the_name_to_no_guesser(session: Session) -> None:
    """R61: the fiftieth failure stays the fiftieth."""
    guesses_from_everywhere(session, "jane", 49)

    throttle.clear(session, throttle.take(session, KEYS.sign_in("jane", HOME), at=NOON))
    guesses_from_everywhere(session, "jane", 1)

    assert 60 == wait(session, KEYS.sign_in("jane", CAFE), now=NOON)


def test_sign_ins_are_no_failures_of_their_address(session: Session) -> None:
    """Mobile carriers put many people behind one address."""
    for number in range(40):
        taken = throttle.take(session, KEYS.sign_in(f"user{number}", HOME), at=NOON)
        throttle.clear(session, taken)

    assert 0 == wait(session, KEYS.sign_in("jane", HOME), now=NOON)


def test_a_try_that_could_not_be_judged_is_given_back(session: Session) -> None:
    """An outage of ours or of the directory locks nobody out."""
    jane = KEYS.sign_in("jane", HOME) + KEYS.person("1", "77")
    for _ in range(40):
        throttle.refund(session, throttle.take(session, jane, at=NOON))

    assert 0 == wait(session, jane, now=NOON)


def test_giving_back_twice_makes_no_credit(session: Session) -> None:
    """A use case may run twice."""
    jane = KEYS.sign_in("jane", HOME)
    taken = throttle.take(session, jane, at=NOON)
    throttle.refund(session, taken)
    throttle.refund(session, taken)

    fail(session, jane, 5, now=NOON)

    assert 300 == wait(session, jane, now=NOON)


def test_refused_tries_lengthen_no_wait(engine: Engine) -> None:
    """R61: what is refused is rolled back, so knocking on does no harm."""
    jane = KEYS.sign_in("jane", HOME)
    with Session(engine) as session, session.begin():
        fail(session, jane, 5, now=NOON)

    for second in range(10):
        with pytest.raises(Throttled), Session(engine) as session, session.begin():
            throttle.take(session, jane, at=at(second))

    with Session(engine) as session:
        assert 290 == wait(session, jane, now=at(10))


def test_checking_counts_nothing(session: Session) -> None:
    for _ in range(10):
        assert 0 == wait(session, KEYS.sign_in("jane", HOME), now=NOON)

    assert [] == list(session.scalars(select(Throttle)))


def test_no_more_than_five_of_twenty_at_once_get_through(engine: Engine) -> None:
    """R61: guesses sent side by side are counted before any of them is looked at."""
    jane = KEYS.sign_in("jane", HOME)
    together = Barrier(20)

    def guess(_number: int) -> bool:
        together.wait()
        try:
            with Session(engine) as session, session.begin():
                throttle.take(session, jane, at=NOON)
        except Throttled:
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        heard = list(threads.map(guess, range(20)))

    assert 5 == sum(heard)


def test_crossing_names_and_addresses_lock_nobody_up(engine: Engine) -> None:
    """Rows are counted in one order: two that share some of them never wait for each other."""
    people = [
        KEYS.sign_in(name, address) for name in ("jane", "ben") for address in (HOME, CAFE)
    ] * 4
    together = Barrier(len(people))

    def guess(counters: tuple[Counter, ...]) -> None:
        together.wait()
        with Session(engine) as session, session.begin():
            throttle.take(session, counters[::-1], at=NOON)

    with ThreadPoolExecutor(len(people)) as threads:
        list(threads.map(guess, people))

    with Session(engine) as session:
        failures = session.scalars(select(Throttle.failures)).all()
    assert sorted([4] * 4 + [8] * 6) == sorted(failures)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1)], ids=["hour", "day"])
def test_a_clock_put_back_does_not_refuse_again_later(session: Session, step: timedelta) -> None:
    """R123: nor do old failures come back when the clock reaches their time once more."""
    jane = KEYS.sign_in("jane", HOME)
    fail(session, jane, 5, now=NOON)

    assert 0 == wait(session, jane, now=NOON - step)
    fail(session, jane, 5, now=NOON - step)
    assert 300 == wait(session, jane, now=NOON - step)

    assert 0 == wait(session, jane, now=NOON)


def test_the_table_holds_no_name_and_no_address(session: Session) -> None:
    """R61, R109."""
    fail(session, KEYS.sign_in("jane@example.com", HOME) + KEYS.person("1", "77"), 1, now=NOON)

    stored = " ".join(session.scalars(select(Throttle.key)))

    assert not [word for word in ("jane", "example", "192.0.2", ":77") if word in stored]


def test_purging_keeps_what_still_counts_only(session: Session) -> None:
    """Else the table would grow with every stranger."""
    fail(session, KEYS.opens(HOME), 1, now=NOON)
    fail(session, KEYS.person("1", "77"), 10, now=NOON)

    throttle.purge(session, at=at(301))
    assert ["person"] == [key.partition(":")[0] for key in session.scalars(select(Throttle.key))]
    assert 3299 == wait(session, KEYS.person("1", "77"), now=at(301))

    throttle.purge(session, at=at(3600))
    assert [] == session.scalars(select(Throttle)).all()


def test_purging_removes_what_a_wrong_clock_wrote(session: Session) -> None:
    """R123: no row is for ever."""
    fail(session, KEYS.sign_in("jane", HOME), 1, now=NOON + timedelta(days=3650))

    throttle.purge(session, at=NOON)

    assert [] == session.scalars(select(Throttle)).all()
