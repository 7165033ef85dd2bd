"""The keys that rate limits count by, from which no name, address or Messenger profile is read."""

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass

from app.accounts.counted_names import counted_form
from app.accounts.rate_limits import (
    ADDRESS,
    ASKS,
    CODES,
    CODES_OF_PAGE,
    CONSOLE_ADDRESS,
    CONSOLE_NAME,
    CONSOLE_PAIR,
    DIGITS,
    IDENTIFIER,
    INVITES,
    KEYS,
    OPENS,
    OPENS_OF_NETWORK,
    PAGE_SIGN_IN,
    PAIR,
    PERSON,
    PROVIDER_VISITS,
    REFUSED_TOKENS,
    REFUSED_TOKENS_OF_NETWORK,
    STREAK,
    RateLimit,
)
from app.infra.network.client_addresses import read_address


@dataclass(frozen=True, slots=True)
class Counter:
    """A limit applied to one subject, e.g. an address; *key* does not reveal the subject."""

    limit: RateLimit
    key: str


class RateLimitKeys:
    """Makes counters. Without *secret*, no key can be found by trying all addresses."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign_in(
        self, identifier: str, address: str, page_id: str, psid: str
    ) -> tuple[Counter, ...]:
        """Return the counters of a sign-in as *identifier* by a Messenger profile.

        Spellings of a name share its counters.
        """
        name, prefix = counted_form(identifier), network(address)
        return (
            self._counter(PERSON, page_id, psid),
            self._counter(PAIR, name, prefix),
            self._counter(ADDRESS, prefix),
            self._counter(IDENTIFIER, name),
            self._counter(STREAK, name),
        )

    def console_sign_in(self, name: str, address: str) -> tuple[Counter, ...]:
        """Return the counters of a sign-in to the console as *name*."""
        form, prefix = counted_form(name), network(address)
        return (
            self._counter(CONSOLE_PAIR, form, prefix),
            self._counter(CONSOLE_ADDRESS, prefix),
            self._counter(CONSOLE_NAME, form),
        )

    def console_visit(self, address: str) -> tuple[Counter, ...]:
        """Return the counter of an operator's going to the provider."""
        return (self._counter(CONSOLE_ADDRESS, network(address)),)

    def provider_visit(self, address: str, page_id: str, psid: str) -> tuple[Counter, ...]:
        """Return the counters of going to a provider."""
        return (
            self._counter(PERSON, page_id, psid),
            self._counter(PROVIDER_VISITS, network(address)),
        )

    def page_sign_in(self, identifier: str, address: str) -> tuple[Counter, ...]:
        """Return the counters of a sign-in as *identifier* where no Messenger profile is known.

        Name and network have the counters that `sign_in` has.
        """
        name, prefix = counted_form(identifier), network(address)
        return (
            self._counter(PAGE_SIGN_IN, one_address(address)),
            self._counter(PAIR, name, prefix),
            self._counter(ADDRESS, prefix),
            self._counter(IDENTIFIER, name),
            self._counter(STREAK, name),
        )

    def page_provider_visit(self, address: str) -> tuple[Counter, ...]:
        """Return the counters of going to a provider where no Messenger profile is known."""
        return (self._counter(PROVIDER_VISITS, network(address)),)

    def digits_sent(self, page_id: str, psid: str) -> tuple[Counter, ...]:
        """Return the counters of a message with a chat code to a Messenger profile."""
        return (self._counter(DIGITS, "sent", page_id, psid),)

    def digits_tried(self, page_id: str, psid: str) -> tuple[Counter, ...]:
        """Return the counters of a guess at the chat code of a Messenger profile."""
        return (self._counter(DIGITS, "tried", page_id, psid),)

    def typed_codes(self, page_id: str, psid: str) -> tuple[Counter, ...]:
        """Return the counters of a code that is none, typed by a Messenger profile."""
        return (self._counter(CODES, page_id, psid), self._counter(CODES_OF_PAGE, page_id))

    def asks(self, page_id: str, psid: str) -> tuple[Counter, ...]:
        """Return the counters of an invitation's question to a Messenger profile."""
        return (self._counter(ASKS, page_id, psid),)

    def invitations(self, issuer: str, subject: str) -> tuple[Counter, ...]:
        """Return the counters of a new invitation of a user."""
        return (self._counter(INVITES, issuer, subject),)

    def opens(self, address: str) -> tuple[Counter, ...]:
        """Return the counters of opening a sign-in page."""
        return self._by_address(OPENS, OPENS_OF_NETWORK, address)

    def refused_tokens(self, address: str) -> tuple[Counter, ...]:
        """Return the counters of an account_linking_token that Graph has refused."""
        return self._by_address(REFUSED_TOKENS, REFUSED_TOKENS_OF_NETWORK, address)

    def refused_keys(self, address: str) -> tuple[Counter, ...]:
        """Return the counters of an API key that does not exist."""
        return (self._counter(KEYS, network(address)),)

    def _by_address(
        self, of_one: RateLimit, of_network: RateLimit, address: str
    ) -> tuple[Counter, ...]:
        counter = self._counter(of_network, network(address))
        # Behind a network in place of an address may be everybody.
        is_one = one_address(address) != network(address)
        return (self._counter(of_one, one_address(address)), counter) if is_one else (counter,)

    def _counter(self, limit: RateLimit, *parts: str) -> Counter:
        # With lengths, so that no other parts join to the same text.
        text = "".join(f"{len(part)}:{part}" for part in (limit.name, *parts))
        mac = hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return Counter(limit, f"{limit.name}:{mac.hexdigest()}")


def network(address: str) -> str:
    """Return the network of *address*: /24, or /48 with IPv6; of a network, itself."""
    return _prefix(address, 24, 48)


def one_address(address: str) -> str:
    """Return *address* itself, or with IPv6 its /64, in which one device chooses addresses."""
    return _prefix(address, 32, 64)


def _prefix(address: str, length: int, length_v6: int) -> str:
    """Return the network of *address* with a prefix of *length* bits, or *length_v6* with IPv6.

    What is not an address, a network in place of one among it, stays as it is.
    """
    ip = read_address(address)
    if ip is None:
        return address
    bits = length if isinstance(ip, ipaddress.IPv4Address) else length_v6
    return str(ipaddress.ip_network((ip, bits), strict=False))
