"""Pictures at the addresses that Graph names: fetched from Meta's hosts, and from no inner network.

The bytes are never decoded. No token and no cookie is sent.
"""

import ipaddress
import socket
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import urljoin

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.exceptions import ConnectTimeoutError as Urllib3ConnectTimeout
from urllib3.exceptions import HTTPError, LocationParseError, ReadTimeoutError
from urllib3.util import Url, parse_url

from app.infra.network.addresses import is_public
from app.infra.network.causes import find
from app.infra.network.egress import DIRECT, Egress, pool_manager
from app.infra.network.http_client import (
    Deadline,
    PlainConnection,
    SecureConnection,
    silence_urllib3,
    timeout_within,
)
from app.infra.network.media_types import picture_type

MOST_REDIRECTS: Final = 2
LONGEST_ADDRESS: Final = 2048
_CHUNK: Final = 16 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PORTS: Final = {"https": 443, "http": 80}
# Connections that wait for the next picture, to each host.
_KEPT: Final = 4

Reason = Literal[
    "address", "host", "inward", "redirects", "status", "size", "type", "slow", "unreachable"
]


class PictureRefused(Exception):
    """There is no picture that can be shown; *reason* is for logs, and holds no address.

    *host* is one that PROFILE_PICTURE_HOSTS does not have: an operator may want to add it.
    """

    def __init__(self, reason: Reason, *, host: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.host = host


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and its media type by its first bytes."""

    content: bytes = field(repr=False)
    kind: str


class _Inward(HTTPError):
    """A name of Meta's led to an address that is not in the public internet."""


class _PublicConnection(SecureConnection):
    """A connection to public addresses only: an inner one is left before a byte is sent."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        if not is_public(ipaddress.ip_address(sock.getpeername()[0].partition("%")[0])):
            sock.close()
            raise _Inward
        return sock


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = SecureConnection


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class PictureFetcher:
    """Fetches pictures from *hosts*; one that begins with a dot means all names below.

    *graph_origin* is a Graph API that is not Meta's, such as the emulator: its pictures may be
    where it is. By an outgoing proxy the proxy looks up the names, so that the list of hosts alone
    decides. Thread-safe.
    """

    def __init__(
        self, hosts: Sequence[str], *, graph_origin: str | None = None, egress: Egress = DIRECT
    ) -> None:
        silence_urllib3()
        self._hosts, self._graph_origin, self._egress = tuple(hosts), graph_origin, egress
        self._public = self._pools(_PublicPool, proxied=False)
        self._proxied = self._pools(_SecurePool, proxied=True)
        self._of_graph = self._pools(_SecurePool, proxied=False)

    def fetch(self, address: str, *, most_bytes: int, total_s: float) -> Picture:
        """Return the picture at *address*, of at most *most_bytes*, within *total_s* seconds.

        Raises:
            PictureRefused: There is none, or it may not be fetched or shown.
        """
        deadline = Deadline(total_s)
        for _ in range(MOST_REDIRECTS + 1):
            url = _parsed(address)
            with closing(self._ask(url, deadline)) as response:
                if response.status not in _REDIRECTS:
                    return _picture(response, most_bytes)
                address = urljoin(url.url, response.headers.get("Location", ""))
        raise PictureRefused("redirects")

    def _ask(self, url: Url, deadline: Deadline) -> BaseHTTPResponse:
        pools, left_s = self._pools_for(url), deadline.left_s()
        if left_s <= 0:
            raise PictureRefused("slow")
        try:
            pool = pools.connection_from_host(url.host, url.port, url.scheme)
            return pool.urlopen(
                "GET",
                url.request_uri,
                headers={"User-Agent": "threadlink", "Accept-Encoding": "identity"},
                timeout=timeout_within(left_s),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except (HTTPError, OSError, ValueError) as exc:
            # `from None`: the text of *exc* holds the address.
            raise PictureRefused(_reason(exc)) from None

    def _pools_for(self, url: Url) -> PoolManager:
        if self._graph_origin is not None and _origin(url) == self._graph_origin:
            return self._proxied if self._egress.proxy_for(url.url) else self._of_graph
        if url.scheme != "https" or url.port not in {None, _PORTS["https"]}:
            raise PictureRefused("address")
        if not any(_is_host_of(url.host or "", allowed) for allowed in self._hosts):
            raise PictureRefused("host", host=url.host)
        return self._proxied if self._egress.proxy_for(url.url) else self._public

    def _pools(self, secure: type[HTTPSConnectionPool], *, proxied: bool) -> PoolManager:
        pools = pool_manager(
            self._egress.proxy if proxied else None,
            self._egress.added_certificates,
            maxsize=_KEPT,
            ca_certs=DEFAULT_CA_BUNDLE_PATH,
        )
        pools.pool_classes_by_scheme = {"http": _PlainPool, "https": secure}
        return pools


def _is_host_of(host: str, allowed: str) -> bool:
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed


def _origin(url: Url) -> str:
    port = "" if url.port in {None, _PORTS.get(url.scheme or "")} else f":{url.port}"
    return f"{url.scheme}://{url.host}{port}"


def _parsed(address: str) -> Url:
    """Return *address* as it is connected to: what is checked and what is asked are one."""
    is_plain = address.isascii() and address.isprintable() and not set(address) & set(' \\"<>')
    if not is_plain or len(address) > LONGEST_ADDRESS:
        raise PictureRefused("address")
    try:
        url = parse_url(address)
    except LocationParseError:
        raise PictureRefused("address") from None
    if url.scheme not in _PORTS or not url.host or url.auth is not None:
        raise PictureRefused("address")
    return url._replace(fragment=None)


def _picture(response: BaseHTTPResponse, most_bytes: int) -> Picture:
    if response.status != HTTPStatus.OK:
        raise PictureRefused("status")
    try:
        content = b""
        for chunk in response.stream(_CHUNK, decode_content=False):
            content += chunk
            if len(content) > most_bytes:
                raise PictureRefused("size")
    except (HTTPError, OSError, ValueError) as exc:
        raise PictureRefused(_reason(exc)) from None
    kind = picture_type(content)
    if kind is None:
        raise PictureRefused("type")
    response.release_conn()
    return Picture(content, kind)


def _reason(exc: BaseException) -> Reason:
    if find(exc, _Inward):
        return "inward"
    slow = (TimeoutError, ReadTimeoutError, Urllib3ConnectTimeout)
    return "slow" if find(exc, *slow) else "unreachable"
