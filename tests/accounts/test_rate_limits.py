from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.rate_limit_keys import Counter, RateLimitKeys, network, one_address
from app.accounts.rate_limits import (
    ADDRESS,
    DIGITS,
    IDENTIFIER,
    LIMITS,
    OPENS,
    OPENS_OF_NETWORK,
    PAIR,
    PERSON,
    PROVIDER_VISITS,
    REFUSED_TOKENS,
    REFUSED_TOKENS_OF_NETWORK,
    SKEW,
    Bucket,
    RateLimit,
    identifier_wait,
    recent,
    window_wait,
)
from app.accounts.rate_limits import KEYS as KEYS_LIMIT

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
        (PROVIDER_VISITS, 100, 5),
        (OPENS, 300, 5),
        (OPENS_OF_NETWORK, 3_000, 5),
        (REFUSED_TOKENS, 30, 5),
        (REFUSED_TOKENS_OF_NETWORK, 300, 5),
        (KEYS_LIMIT, 20, 1),
    ],
    ids=lambda value: value.name if isinstance(value, RateLimit) else str(value),
)
def test_a_limit_is_reached_by_its_last_hit(limit: RateLimit, most: int, minutes: int) -> None:
    """R8, R13, R14, R61: the figures, written once more by hand."""
    almost = [Bucket(NOON, most - 1)]
    reached = [Bucket(NOON, most)]

    assert timedelta(0) == window_wait(limit, almost, at=NOON)
    assert timedelta(minutes=minutes) == window_wait(limit, reached, at=NOON)


def test_the_next_hit_is_allowed_when_the_oldest_has_aged() -> None:
    buckets = [Bucket(second(0), 1), Bucket(second(100), 4)]

    assert timedelta(seconds=180) == window_wait(PAIR, buckets, at=second(120))
    assert timedelta(0) == window_wait(PAIR, recent(PAIR, buckets, at=second(300)), at=second(300))


@st.composite
def histories(draw: st.DrawFn) -> tuple[RateLimit, list[datetime]]:
    """Return a limit, and times within three of its windows, in order."""
    limit = draw(st.sampled_from([PAIR, PERSON, ADDRESS]))
    longest = int(limit.window.total_seconds()) * 3
    seconds = draw(st.lists(st.integers(0, longest), max_size=200))
    return limit, [second(number) for number in sorted(seconds)]


def let_through(limit: RateLimit, moments: list[datetime]) -> list[datetime]:
    """Return those of *moments* at which a hit is allowed."""
    allowed: list[datetime] = []
    for at in moments:
        buckets = recent(limit, [Bucket(limit.bucket_start(time), 1) for time in allowed], at=at)
        if window_wait(limit, buckets, at=at) == timedelta(0):
            allowed.append(at)
    return allowed


@given(histories())
def test_no_window_ever_allows_more(history: tuple[RateLimit, list[datetime]]) -> None:
    """R61: not at the turn of a window either; one bucket, the 300th part, may be missing."""
    limit, moments = history
    allowed = let_through(limit, moments)

    for first, too_many in zip(allowed, allowed[limit.maximum :], strict=False):
        assert too_many - first > limit.window - limit.bucket


@given(histories(), st.integers(0, 100_000))
def test_the_hit_after_the_wait_is_allowed(
    history: tuple[RateLimit, list[datetime]], seconds: int
) -> None:
    """R61, R123: and no wait is longer than the window, whatever the clock says."""
    limit, moments = history
    at = second(seconds - 50_000)
    made = [Bucket(limit.bucket_start(time), 1) for time in let_through(limit, moments)]

    wait = window_wait(limit, recent(limit, made, at=at), at=at)

    assert timedelta(0) <= wait <= limit.window
    allowed_at = at + wait + SKEW * (wait == limit.window)
    later = recent(
        limit, [bucket for bucket in made if bucket.starts_at <= at + SKEW], at=allowed_at
    )
    assert timedelta(0) == window_wait(limit, later, at=allowed_at)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1)], ids=["hour", "day"])
def test_a_clock_put_back_ends_every_wait(step: timedelta) -> None:
    """R123: hits written by the wrong clock do not count until that time comes again."""
    buckets = [Bucket(NOON, 100)]

    assert [] == recent(ADDRESS, buckets, at=NOON - step)


def test_clocks_of_two_machines_may_differ_a_little() -> None:
    """Otherwise requests to the machine that is behind would start from zero."""
    buckets = [Bucket(NOON, 5)]

    assert buckets == recent(PAIR, buckets, at=NOON - SKEW)
    assert [] == recent(PAIR, buckets, at=NOON - SKEW - timedelta(seconds=1))


def test_a_name_waits_a_minute_from_its_fiftieth_failure() -> None:
    """R61."""
    forty_nine, fifty = [Bucket(NOON, 49)], [Bucket(NOON, 50)]

    assert timedelta(0) == identifier_wait(forty_nine, [], at=NOON)
    assert timedelta(seconds=60) == identifier_wait(fifty, [], at=NOON)
    assert timedelta(seconds=1) == identifier_wait(fifty, [], at=second(59))
    assert timedelta(0) == identifier_wait(fifty, [], at=second(60))


def test_an_address_waits_a_minute_after_each_failure_of_its_own() -> None:
    """R61: a name under attack is guessed at slowly from each address."""
    buckets = [Bucket(NOON, 50), Bucket(second(90), 1)]
    own = [Bucket(second(90), 1)]

    assert timedelta(seconds=60) == identifier_wait(buckets, own, at=second(90))
    assert timedelta(0) == identifier_wait(buckets, own, at=second(150))


def by_name(seconds: list[int], at: datetime) -> timedelta:
    """Return how long a new address must wait, after hits at *seconds* under one username."""
    made = [Bucket(second(number), 1) for number in sorted(seconds) if second(number) <= at]
    return identifier_wait(recent(IDENTIFIER, made, at=at), [], at=at)


@given(st.lists(st.integers(0, 9000), max_size=400), st.integers(0, 9000))
def test_strangers_never_lengthen_the_owners_wait(seconds: list[int], arrives: int) -> None:
    """R61: after the wait a sign-in is allowed, however many went on guessing meanwhile."""
    wait = by_name(seconds, second(arrives))

    assert timedelta(0) <= wait <= timedelta(seconds=60)
    assert timedelta(0) == by_name(seconds, second(arrives) + wait)


def test_an_attacker_who_paces_the_guesses_locks_nobody_out() -> None:
    """R61: a new guess each time an old one ages, always the fiftieth of an hour."""
    an_hour_ago = [number * 59 for number in range(50)]
    now = [3600 + number for number in an_hour_ago]

    waits = [by_name(an_hour_ago + now, second(number)) for number in now]

    assert {timedelta(0)} == set(waits)


@pytest.mark.parametrize(
    ("address", "prefix", "alone"),
    [
        ("192.0.2.77", "192.0.2.0/24", "192.0.2.77/32"),
        ("::ffff:192.0.2.77", "192.0.2.0/24", "192.0.2.77/32"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/48", "fe80::/64"),
        ("::1", "::/48", "::/64"),
        ("64:ff9b::192.0.2.77", "192.0.2.0/24", "192.0.2.77/32"),
        ("192.0.2.77:443", "192.0.2.0/24", "192.0.2.77/32"),
        ("192.0.2.0/24", "192.0.2.0/24", "192.0.2.0/24"),
    ],
)
def test_an_address_counts_alone_and_with_its_network(
    address: str, prefix: str, alone: str
) -> None:
    """R61: one household has a /24 or a /48 to change its address in, one device a /64."""
    assert prefix == network(address)
    assert alone == one_address(address)


@pytest.mark.parametrize("address", ["127.0.0.0/24", "2001:db8:1::/48", ""])
def test_a_network_in_place_of_an_address_has_the_limits_of_a_network(address: str) -> None:
    """R61: the proxies tell no address, so that one stranger's tokens would refuse everybody."""
    (opens,) = KEYS.opens(address)
    (tokens,) = KEYS.refused_tokens(address)

    assert (OPENS_OF_NETWORK, REFUSED_TOKENS_OF_NETWORK) == (opens.limit, tokens.limit)
    if address == "127.0.0.0/24":
        # The same as for the addresses in it.
        assert opens in KEYS.opens("127.0.0.1")


def keys_of(name: str, address: str = "192.0.2.77") -> tuple[Counter, ...]:
    return KEYS.sign_in(name, address, "1", "77")


def test_a_key_reveals_neither_name_nor_address_nor_profile() -> None:
    """R61, R109: nor can it be found by trying all addresses, without the secret."""
    keys = [counter.key for counter in keys_of("jane@example.com")]
    other = RateLimitKeys(b"other").sign_in("jane@example.com", "192.0.2.77", "1", "77")

    assert not [key for key in keys if "jane" in key or "192" in key or ":77" in key]
    assert not set(keys) & {counter.key for counter in other}


def test_keys_do_not_run_together() -> None:
    """Otherwise one name and address could be made to count as another."""
    one = KEYS.digits_sent("12", "345")
    other = KEYS.digits_sent("123", "45")

    assert one != other
    assert one == KEYS.digits_sent("12", "345")


def test_names_of_limits_fit_into_the_column() -> None:
    names = [limit.name for limit in LIMITS]

    assert len(names) == len(set(names))
    assert all(name.isalpha() and len(name) <= 96 - 65 for name in names)


def test_a_wide_range_of_names_makes_a_key() -> None:
    """No input is an error of ours."""
    for name in ("", "\ud800", "\x00", "x" * 10_000):
        assert 5 == len(keys_of(name, name))
