from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.rate_limits import (
    ADDRESS,
    DIGITS,
    IDENTIFIER,
    LIMITS,
    OPENS,
    PAIR,
    PERSON,
    REFUSED_TOKENS,
    SKEW,
    Limit,
    RateLimitKeys,
    Tries,
    address_prefix,
    counting,
    moment,
    wait_for_identifier,
    wait_until_room,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEYS = RateLimitKeys(b"secret")


def second(number: float) -> datetime:
    return NOON + timedelta(seconds=number)


@pytest.mark.parametrize(
    ("limit", "most", "minutes"),
    [
        (PAIR, 5, 5),
        (PERSON, 10, 60),
        (DIGITS, 10, 60),
        (ADDRESS, 30, 5),
        (OPENS, 300, 5),
        (REFUSED_TOKENS, 10, 5),
    ],
    ids=lambda value: value.name if isinstance(value, Limit) else str(value),
)
def test_a_limit_is_reached_by_its_last_try(limit: Limit, most: int, minutes: int) -> None:
    """R8, R13, R14, R61: the figures, said once more by hand."""
    almost = [Tries(NOON, most - 1)]
    reached = [Tries(NOON, most)]

    assert timedelta(0) == wait_until_room(limit, almost, at=NOON)
    assert timedelta(minutes=minutes) == wait_until_room(limit, reached, at=NOON)


def test_room_is_made_when_the_oldest_try_has_aged() -> None:
    tries = [Tries(second(0), 1), Tries(second(100), 4)]

    assert timedelta(seconds=180) == wait_until_room(PAIR, tries, at=second(120))
    assert timedelta(0) == wait_until_room(
        PAIR, counting(PAIR, tries, at=second(300)), at=second(300)
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[Limit, list[datetime]]:
    """Return a limit, and moments within three of its windows, in order."""
    limit = draw(st.sampled_from([PAIR, PERSON, ADDRESS]))
    longest = int(limit.window.total_seconds()) * 3
    seconds = draw(st.lists(st.integers(0, longest), max_size=200))
    return limit, [second(number) for number in sorted(seconds)]


def let_through(limit: Limit, moments: list[datetime]) -> list[datetime]:
    """Return which tries at *moments* are heard."""
    heard: list[datetime] = []
    for at in moments:
        tries = counting(limit, [Tries(moment(limit, one), 1) for one in heard], at=at)
        if wait_until_room(limit, tries, at=at) == timedelta(0):
            heard.append(at)
    return heard


@given(histories())
def test_no_stretch_of_a_window_ever_hears_more(history: tuple[Limit, list[datetime]]) -> None:
    """R61: not at the turn of a window either; a grain, the 300th part, is what may be missing."""
    limit, moments = history
    heard = let_through(limit, moments)

    for first, too_many in zip(heard, heard[limit.most :], strict=False):
        assert too_many - first > limit.window - limit.grain


@given(histories(), st.integers(0, 100_000))
def test_whoever_waits_as_told_is_heard(
    history: tuple[Limit, list[datetime]], seconds: int
) -> None:
    """R61, R123: and nobody is told to wait longer than the window, wherever the clock stands."""
    limit, moments = history
    at = second(seconds - 50_000)
    made = [Tries(moment(limit, one), 1) for one in let_through(limit, moments)]

    wait = wait_until_room(limit, counting(limit, made, at=at), at=at)

    assert timedelta(0) <= wait <= limit.window
    heard_at = at + wait + SKEW * (wait == limit.window)
    later = counting(limit, [one for one in made if one.window_at <= at + SKEW], at=heard_at)
    assert timedelta(0) == wait_until_room(limit, later, at=heard_at)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1)], ids=["hour", "day"])
def test_a_clock_put_back_ends_every_wait(step: timedelta) -> None:
    """R123: what was written by the wrong clock does not count until that time comes again."""
    tries = [Tries(NOON, 100)]

    assert [] == counting(ADDRESS, tries, at=NOON - step)


def test_clocks_of_two_machines_may_differ_a_little() -> None:
    """Else whoever asks the machine that is behind would start from nothing."""
    tries = [Tries(NOON, 5)]

    assert tries == counting(PAIR, tries, at=NOON - SKEW)
    assert [] == counting(PAIR, tries, at=NOON - SKEW - timedelta(seconds=1))


def test_a_name_waits_a_minute_from_its_fiftieth_failure() -> None:
    """R61."""
    forty_nine, fifty = [Tries(NOON, 49)], [Tries(NOON, 50)]

    assert timedelta(0) == wait_for_identifier(forty_nine, [], at=NOON)
    assert timedelta(seconds=60) == wait_for_identifier(fifty, [], at=NOON)
    assert timedelta(seconds=1) == wait_for_identifier(fifty, [], at=second(59))
    assert timedelta(0) == wait_for_identifier(fifty, [], at=second(60))


def test_an_address_waits_a_minute_after_each_failure_of_its_own() -> None:
    """R61: a name under attack is guessed at slowly from each address."""
    tries = [Tries(NOON, 50), Tries(second(90), 1)]
    own = [Tries(second(90), 1)]

    assert timedelta(seconds=60) == wait_for_identifier(tries, own, at=second(90))
    assert timedelta(0) == wait_for_identifier(tries, own, at=second(150))


def by_name(seconds: list[int], at: datetime) -> timedelta:
    """Return how long whoever comes first from an address waits, after tries at *seconds*."""
    made = [Tries(second(number), 1) for number in sorted(seconds) if second(number) <= at]
    return wait_for_identifier(counting(IDENTIFIER, made, at=at), [], at=at)


@given(st.lists(st.integers(0, 9000), max_size=400), st.integers(0, 9000))
def test_strangers_never_lengthen_the_owners_wait(seconds: list[int], arrives: int) -> None:
    """R61: whoever waits as told is heard, however many went on guessing meanwhile."""
    told = by_name(seconds, second(arrives))

    assert timedelta(0) <= told <= timedelta(seconds=60)
    assert timedelta(0) == by_name(seconds, second(arrives) + told)


def test_a_stranger_who_paces_his_guesses_keeps_nobody_out() -> None:
    """R61: each time an old guess ages he makes a new one, always the fiftieth of an hour."""
    an_hour_ago = [number * 59 for number in range(50)]
    now = [3600 + number for number in an_hour_ago]

    waits = [by_name(an_hour_ago + now, second(number)) for number in now]

    assert {timedelta(0)} == set(waits)


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::1", "::/48"),
        ("", "unknown"),
        ("192.0.2.77:443", "unknown"),
        ("192.0.2.077", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_an_address_counts_with_its_network(address: str, prefix: str) -> None:
    """R61: one household has a /24 or a /48 to change its address in."""
    assert prefix == address_prefix(address)


def test_a_key_tells_neither_name_nor_address() -> None:
    """R61, R109: nor can it be found by trying all addresses, without the secret."""
    keys = [one.key for one in KEYS.sign_in("jane@example.com", "192.0.2.77")]
    others = [one.key for one in RateLimitKeys(b"other").sign_in("jane@example.com", "192.0.2.77")]

    assert not [key for key in keys if "jane" in key or "192" in key]
    assert not set(keys) & set(others)


@pytest.mark.parametrize("again", ["JANE", " jane\n", "\uff4aane"])
def test_a_name_counts_as_one_however_it_is_written(again: str) -> None:
    """R61, R63: else each spelling would have tries of its own."""
    assert KEYS.sign_in("jane", "192.0.2.1") == KEYS.sign_in(again, "192.0.2.1")


def test_keys_do_not_run_together() -> None:
    """Else one name and address could be made to count as another."""
    one = KEYS.person("12", "345")
    other = KEYS.person("123", "45")

    assert one != other
    assert one == KEYS.person("12", "345")


def test_names_of_limits_fit_where_they_are_kept() -> None:
    names = [limit.name for limit in LIMITS]

    assert len(names) == len(set(names))
    assert all(name.isalpha() and len(name) <= 96 - 65 for name in names)


def test_a_wide_range_of_names_makes_a_key() -> None:
    """No input is an error of ours."""
    for name in ("", "\ud800", "\x00", "x" * 10_000):
        assert 4 == len(KEYS.sign_in(name, name))
