"""The rate limits: the table of them, and the waits that they impose.

Pure arithmetic on hits, which `rate_limiter` stores. A limit is a sliding window: at most so many
hits in any stretch of its length. Hits are stored by buckets, short spans of time with one number
each, so that many hits make few rows. docs/security.md has the whole table, with the reasons.

A limit by Messenger profile can be reached by its owner alone, and refuses. A shared limit, by name
or network, can be reached by anybody; it refuses nobody whose profile has not failed itself. Where
no profile is known, it refuses everybody.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

# How far the clocks of several machines may differ. Buckets further ahead were written before a
# clock was set back; they do not count, since such a step must not lengthen a wait.
SKEW: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most *maximum* hits in any *window*; *bucket* is the length of a bucket."""

    name: str
    maximum: int
    window: timedelta
    bucket: timedelta
    is_shared: bool = False
    """It refuses only profiles that have failed FAILED_BEFORE times within the window of PERSON.

    A try without a profile, on a page that needs none, it refuses like any other limit.
    """

    @property
    def told_as(self) -> str:
        """The name for operators, to whom an address and its network are one thing."""
        return self.name.removesuffix("net")

    @property
    def lookback(self) -> timedelta:
        """The age up to which hits matter."""
        return 2 * self.window if self is IDENTIFIER else self.window

    def bucket_start(self, at: datetime) -> datetime:
        """Return the beginning of the bucket in which *at* lies."""
        epoch = datetime.fromtimestamp(0, UTC)
        return at - (at - epoch) % self.bucket


_IN_FIVE_MINUTES: Final = timedelta(minutes=5), timedelta(seconds=1)
_IN_AN_HOUR: Final = timedelta(hours=1), timedelta(seconds=12)

PERSON: Final = RateLimit("person", 10, *_IN_AN_HOUR)
# Room for typing errors while strangers have reached a shared limit.
FAILED_BEFORE: Final = 3
# Each linking attempt allows five guesses, but one live token opens any number of attempts.
DIGITS: Final = RateLimit("digits", 10, *_IN_AN_HOUR)

PAIR: Final = RateLimit("pair", 5, *_IN_FIVE_MINUTES, is_shared=True)
ADDRESS: Final = RateLimit("address", 30, *_IN_FIVE_MINUTES, is_shared=True)
# Going to a provider is no guess. It costs requests to Graph and to the provider.
PROVIDER_VISITS: Final = RateLimit("departures", 100, *_IN_FIVE_MINUTES, is_shared=True)

# Of browsers whose profile is not known yet: what they cost is counted by address, and by network
# with a limit so much higher that one address cannot reach it for all others.
OPENS: Final = RateLimit("opens", 300, *_IN_FIVE_MINUTES)
OPENS_OF_NETWORK: Final = RateLimit("opensnet", 3_000, *_IN_FIVE_MINUTES)
REFUSED_TOKENS: Final = RateLimit("tokens", 30, *_IN_FIVE_MINUTES)
REFUSED_TOKENS_OF_NETWORK: Final = RateLimit("tokensnet", 300, *_IN_FIVE_MINUTES)
# Sign-ins on pages that need no token of a Messenger profile; a right one is not counted.
PAGE_SIGN_IN: Final = RateLimit("pagesignin", 10, *_IN_FIVE_MINUTES)
# API keys that do not exist; a valid key is not counted.
KEYS: Final = RateLimit("keys", 20, timedelta(minutes=1), timedelta(seconds=1))

# Codes of invitations that are none, typed by one Messenger profile and by all of a Page.
CODES: Final = RateLimit("codes", 10, *_IN_AN_HOUR)
CODES_OF_PAGE: Final = RateLimit("codespage", 1_000, timedelta(minutes=10), timedelta(seconds=2))
# Questions in the chat of one Messenger profile, and invitations of one user.
ASKS: Final = RateLimit("asks", 3, *_IN_AN_HOUR)
INVITES: Final = RateLimit("invites", 10, *_IN_AN_HOUR)

# By username alone. It never refuses for long: see identifier_wait().
IDENTIFIER: Final = RateLimit("identifier", 50, *_IN_AN_HOUR, is_shared=True)
IDENTIFIER_WAIT: Final = timedelta(seconds=60)

# Of operators, who have no Messenger profile: each refuses whoever reaches it. By name alone nobody
# waits longer than a minute, so that a stranger cannot lock an operator out.
CONSOLE_PAIR: Final = RateLimit("consolepair", 5, *_IN_FIVE_MINUTES)
CONSOLE_ADDRESS: Final = RateLimit("consoleaddress", 30, *_IN_FIVE_MINUTES)
CONSOLE_NAME: Final = RateLimit("consolename", 20, timedelta(minutes=1), timedelta(seconds=1))

# Refuses nothing: from its maximum on, the operator is alerted.
STREAK: Final = RateLimit("streak", 100, timedelta(days=1), timedelta(minutes=5))

LIMITS: Final = (
    PERSON,
    DIGITS,
    PAIR,
    ADDRESS,
    PROVIDER_VISITS,
    OPENS,
    OPENS_OF_NETWORK,
    REFUSED_TOKENS,
    REFUSED_TOKENS_OF_NETWORK,
    PAGE_SIGN_IN,
    KEYS,
    CODES,
    CODES_OF_PAGE,
    ASKS,
    INVITES,
    CONSOLE_PAIR,
    CONSOLE_ADDRESS,
    CONSOLE_NAME,
    IDENTIFIER,
    STREAK,
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """The number of hits of one counter within the bucket that begins at *starts_at*."""

    starts_at: datetime
    hits: int


def recent(limit: RateLimit, buckets: Iterable[Bucket], *, at: datetime) -> list[Bucket]:
    """Return those of *buckets* that still matter for *limit*, the oldest first."""
    since, until = at - limit.lookback, at + SKEW
    counted = (
        bucket for bucket in buckets if since < bucket.starts_at <= until and bucket.hits > 0
    )
    return sorted(counted, key=lambda bucket: bucket.starts_at)


def window_wait(limit: RateLimit, buckets: Sequence[Bucket], *, at: datetime) -> timedelta:
    """Return how long the next hit must wait, after the `recent` *buckets*; zero for not at all."""
    excess = sum(bucket.hits for bucket in buckets) - limit.maximum
    for bucket in buckets:
        if excess < 0:
            break
        # The next hit is allowed once enough have left the window for it to fit.
        excess -= bucket.hits
        if excess < 0:
            return min(bucket.starts_at + limit.window - at, limit.window)
    return timedelta(0)


def identifier_wait(buckets: Sequence[Bucket], own: Sequence[Bucket], *, at: datetime) -> timedelta:
    """Return how long one network must wait under a username, by the limit IDENTIFIER.

    *buckets* are the hits under the username, *own* those from this network alone. A network waits
    from the fiftieth hit within an hour, and after each of its own. Hits from elsewhere do not
    lengthen that: otherwise an attacker who paces them could lock the owner out.
    """
    counted = (bucket.hits for bucket in buckets if bucket.starts_at > at - IDENTIFIER.window)
    if sum(counted) < IDENTIFIER.maximum:
        return timedelta(0)
    begun_at = max([_reached_at(buckets), *(bucket.starts_at for bucket in own)])
    return max(timedelta(0), min(begun_at + IDENTIFIER_WAIT - at, IDENTIFIER_WAIT))


def _reached_at(buckets: Sequence[Bucket]) -> datetime:
    """Return the first time at which IDENTIFIER was reached, within its two hours of lookback.

    One hour would not do: the time would move on when an old hit ages while a new one is made.
    """
    window: deque[Bucket] = deque()
    for bucket in buckets:
        window.append(bucket)
        while window[0].starts_at <= bucket.starts_at - IDENTIFIER.window:
            window.popleft()
        if sum(counted.hits for counted in window) >= IDENTIFIER.maximum:
            return bucket.starts_at
    raise ValueError("the limit was not reached")
