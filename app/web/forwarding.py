"""Client and scheme of a request, as the proxies in front tell them (R86).

The elements of a list are counted from the right: each proxy adds its own at the end. One header is
believed, the one that the proxies write: what a client sends by the name of another, which no proxy
overwrites, is not read.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, Protocol

from werkzeug.datastructures import EnvironHeaders

from app.infra.network.client_addresses import read_address
from app.infra.settings.settings import FORWARDED, Settings
from app.web.server.wsgi import Application, Environ

CLIENT: Final = "threadlink.client"
_SCHEMES: Final = frozenset({"http", "https"})
# By the parameter of Forwarded that tells the same.
_OF_THEIR_OWN: Final = {"for": "X-Forwarded-For", "proto": "X-Forwarded-Proto"}
# From its end: an element may hold commas in quotes, and a quote that a client has begun must not
# hide what the proxies add behind it. Backwards, a quote that is escaped stands before its sign.
_BACKWARDS: Final = re.compile(r'(?:"(?:"\\|[^"])*"|[^,"])*+')
# More than a head has room for.
_ALL: Final = 1_000_000
_PAIR: Final = re.compile(r'([^;="]+)=((?:"(?:[^"\\]|\\.)*"|[^;"])*)(?:;|$)')


class Headers(Protocol):
    def get(self, name: str, /) -> str | None: ...


class Client(NamedTuple):
    """The address by which a client is counted, and why it is another's; None if it is its own."""

    address: str
    fault: str | None


class TrustedProxies:
    """Has *app* see the client and scheme that exactly so many proxies in front tell."""

    def __init__(self, app: Application, settings: Settings) -> None:
        self._app, self._settings = app, settings

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = EnvironHeaders(environ)
        client = client_of(environ.get("REMOTE_ADDR", ""), headers, self._settings)
        environ["REMOTE_ADDR"], environ[CLIENT] = client.address, client
        if self._settings.trusted_proxies:
            environ["wsgi.url_scheme"] = scheme_told(headers, self._settings) or "http"
        return self._app(environ, start_response)


def client_of(peer: str, headers: Headers, settings: Settings) -> Client:
    """Return the client of a request that *peer* has passed on.

    Where no address is told, it is the nearest to the client that a trusted proxy has told, or
    the peer's: an address that a client makes up is in no case one of them.
    """
    hops = settings.trusted_proxies
    told = _told(headers, settings, "for", hops)
    known = [read_address(text) for text in (*told, peer)]
    nearest = next((address for address in known if address is not None), None)
    address = peer if nearest is None else str(nearest)
    if len(told) == hops and known[0] is not None:
        return Client(address, None)
    return Client(address, _fault(told, hops))


def _fault(told: list[str], hops: int) -> str:
    if not told:
        return "is missing"
    if len(told) < hops:
        return "has fewer values than TRUSTED_PROXIES"
    return "names no address of the client"


def scheme_told(headers: Headers, settings: Settings) -> str | None:
    """Return the scheme by which the first of the proxies was asked; None if they do not tell."""
    hops = settings.trusted_proxies
    schemes = schemes_told(headers, settings, hops)
    is_told = len(schemes) == hops and _SCHEMES.issuperset(schemes)
    return schemes[0] if is_told and schemes else None


def schemes_told(headers: Headers, settings: Settings, most: int = _ALL) -> list[str]:
    """Return the schemes in the last elements, *most* or fewer, those of clients among them."""
    # The name of a scheme has no letter case (RFC 3986, 3.1).
    return [text.strip(' \t"').lower() for text in _told(headers, settings, "proto", most)]


def _told(headers: Headers, settings: Settings, name: str, most: int) -> list[str]:
    """Return the parameter *name* of the last elements of the header that is read."""
    if settings.forwarded_header != FORWARDED:
        return last_elements(headers.get(_OF_THEIR_OWN[name]) or "", most)
    elements = last_elements(headers.get("Forwarded") or "", most)
    return [_pairs(element).get(name, "") for element in elements]


def last_elements(text: str, count: int) -> list[str]:
    """Return the last *count* elements of the list *text*, or all, in their order.

    Empty ones count, against RFC 9110 (5.6.1): a proxy that adds nothing must not make what the
    client has sent the last one.
    """
    if not text.strip(" \t"):
        return []
    if '"' not in text:
        return text.rsplit(",", count)[-count:] if count else []
    backwards, found, at = text[::-1], list[str](), 0
    while len(found) < count and at <= len(text):
        element = _BACKWARDS.match(backwards, at)
        end = element.end() if element else at
        if backwards[end : end + 1] == '"':
            # A quote that never begins: it may be the client's, and so is all that is left of it.
            end = len(text)
        found.append(backwards[at:end][::-1])
        at = end + 1
    return found[::-1]


def _pairs(element: str) -> dict[str, str]:
    """Return the parameters of an element of Forwarded (RFC 7239, 4), those named twice empty."""
    pairs: dict[str, str] = {}
    for name, value in _PAIR.findall(element):
        key = name.strip(" \t").lower()
        pairs[key] = "" if key in pairs else value
    return pairs
