"""How often who may try: the table of limits, the keys they count by, and what they decide.

Everything here is arithmetic on what throttle.py keeps.
"""

import hashlib
import hmac
import ipaddress
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app.accounts.identity import comparable

# How far the clocks of several machines may differ. What lies further ahead was written before
# somebody put the clock back, and does not count: a wait must not grow by such a step.
SKEW: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Limit:
    """*most* tries in any *window*; the next is refused.

    *grain* is how exactly the moment of a try is kept, so that many make few rows.
    """

    name: str
    most: int
    window: timedelta
    grain: timedelta


_IN_FIVE_MINUTES: Final = timedelta(minutes=5), timedelta(seconds=1)
_IN_AN_HOUR: Final = timedelta(hours=1), timedelta(seconds=12)

PAIR: Final = Limit("pair", 5, *_IN_FIVE_MINUTES)
PERSON: Final = Limit("person", 10, *_IN_AN_HOUR)
# An attempt has five tries, but one live token opens any number of attempts.
DIGITS: Final = Limit("digits", 10, *_IN_AN_HOUR)
ADDRESS: Final = Limit("address", 30, *_IN_FIVE_MINUTES)
OPENS: Final = Limit("opens", 300, *_IN_FIVE_MINUTES)
REFUSED_TOKENS: Final = Limit("tokens", 10, *_IN_FIVE_MINUTES)
# Keys of the API that are none.
KEYS: Final = Limit("keys", 20, timedelta(minutes=1), timedelta(seconds=1))
# To start at a provider guesses nothing; what it costs is a call of Graph, and mobile carriers put
# many people behind one address.
DEPARTURES: Final = Limit("departures", 100, *_IN_FIVE_MINUTES)

# Anybody can fail under somebody else's name, so the name alone never refuses for long; see
# wait_for_identifier().
IDENTIFIER: Final = Limit("identifier", 50, *_IN_AN_HOUR)
IDENTIFIER_WAIT: Final = timedelta(seconds=60)

# Refuses nobody; from *most* on, the operator is told.
STREAK: Final = Limit("streak", 100, timedelta(days=1), timedelta(minutes=5))

_LONGEST_COUNTED: Final = 254

LIMITS: Final = (
    PAIR, PERSON, DIGITS, ADDRESS, OPENS, REFUSED_TOKENS, DEPARTURES, KEYS, IDENTIFIER, STREAK,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counter:
    """What a limit counts by; *key* tells nobody what that is."""

    limit: Limit
    key: str


@dataclass(frozen=True, slots=True)
class Tries:
    """Tries that one counter has seen within the grain that begins at *window_at*."""

    window_at: datetime
    count: int


class RateLimitKeys:
    """Makes counters. *secret* keeps their keys from being found by trying all addresses."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign_in(self, identifier: str, address: str) -> tuple[Counter, ...]:
        """Return what a try to sign in as *identifier* is counted by, however it is written."""
        # OpenLDAP takes a dotted I for an i, of all characters the only one that it takes for
        # another and comparable() does not (slapd 2.5.13, 78,388 tried).
        identifier = comparable(identifier[:_LONGEST_COUNTED]).replace("i\u0307", "i")
        prefix = address_prefix(address)
        return (
            self._counter(PAIR, identifier, prefix),
            self._counter(ADDRESS, prefix),
            self._counter(IDENTIFIER, identifier),
            self._counter(STREAK, identifier),
        )

    def person(self, page_id: str, psid: str) -> tuple[Counter, ...]:
        """Return what a try by a Messenger profile is counted by."""
        return (self._counter(PERSON, page_id, psid),)

    def digits_sent(self, page_id: str, psid: str) -> tuple[Counter, ...]:
        """Return what a message with six digits to a Messenger profile is counted by."""
        return (self._counter(DIGITS, "sent", page_id, psid),)

    def digits_tried(self, page_id: str, psid: str) -> tuple[Counter, ...]:
        """Return what a guess at six digits in the chat of a Messenger profile is counted by."""
        return (self._counter(DIGITS, "tried", page_id, psid),)

    def opens(self, address: str) -> tuple[Counter, ...]:
        """Return what the opening of a log-in page is counted by."""
        return (self._counter(OPENS, address_prefix(address)),)

    def departures(self, address: str) -> tuple[Counter, ...]:
        """Return what setting out for a provider is counted by."""
        return (self._counter(DEPARTURES, address_prefix(address)),)

    def refused_tokens(self, address: str) -> tuple[Counter, ...]:
        """Return what an account_linking_token that Graph refuses is counted by."""
        return (self._counter(REFUSED_TOKENS, address_prefix(address)),)

    def refused_keys(self, address: str) -> tuple[Counter, ...]:
        """Return what an API key that is none is counted by."""
        return (self._counter(KEYS, address_prefix(address)),)

    def _counter(self, limit: Limit, *parts: str) -> Counter:
        # Lengths before the parts: no other parts run together to the same text.
        text = "".join(f"{len(part)}:{part}" for part in (limit.name, *parts))
        mac = hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return Counter(limit, f"{limit.name}:{mac.hexdigest()}")


def address_prefix(address: str) -> str:
    """Return the network that counts as one address: /24, or /48 with IPv6.

    What is no address is one network too, so that a broken proxy header does not end the counting.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ipaddress.ip_network((ip, 48), strict=False))
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, 24), strict=False))


def moment(limit: Limit, at: datetime) -> datetime:
    """Return the beginning of the grain of *limit* in which *at* lies."""
    epoch = datetime.fromtimestamp(0, UTC)
    return at - (at - epoch) % limit.grain


def kept(limit: Limit) -> timedelta:
    """Return for how long a try under *limit* says something."""
    return 2 * limit.window if limit is IDENTIFIER else limit.window


def counting(limit: Limit, tries: Iterable[Tries], *, at: datetime) -> list[Tries]:
    """Return those of *tries* that still say something, the oldest first."""
    since, until = at - kept(limit), at + SKEW
    counted = (one for one in tries if since < one.window_at <= until and one.count > 0)
    return sorted(counted, key=lambda one: one.window_at)


def wait_until_room(limit: Limit, tries: Sequence[Tries], *, at: datetime) -> timedelta:
    """Return how long the next try has to wait after *tries*, which all count."""
    excess = sum(one.count for one in tries) - limit.most
    for one in tries:
        if excess < 0:
            break
        # There is room when so many have aged that fewer than the most are left.
        excess -= one.count
        if excess < 0:
            return min(one.window_at + limit.window - at, limit.window)
    return timedelta(0)


def wait_for_identifier(tries: Sequence[Tries], own: Sequence[Tries], *, at: datetime) -> timedelta:
    """Return how long one address waits when *tries* were made under one name, *own* by itself.

    It waits when the fiftieth try within an hour is made, and after each try of its own. Tries of
    others do not lengthen that: if they did, somebody who paces them could keep the owner out.
    """
    counted = (one.count for one in tries if one.window_at > at - IDENTIFIER.window)
    if sum(counted) < IDENTIFIER.most:
        return timedelta(0)
    begun_at = max([_reached_at(tries), *(one.window_at for one in own)])
    return max(timedelta(0), min(begun_at + IDENTIFIER_WAIT - at, IDENTIFIER_WAIT))


def _reached_at(tries: Sequence[Tries]) -> datetime:
    """Return the first moment at which the limit by name was reached.

    The first of two hours: the last hour's alone would move on when an old try ages while a new
    one is made.
    """
    recent: deque[Tries] = deque()
    for one in tries:
        recent.append(one)
        while recent[0].window_at <= one.window_at - IDENTIFIER.window:
            recent.popleft()
        if sum(tried.count for tried in recent) >= IDENTIFIER.most:
            return one.window_at
    raise ValueError("it was not")
