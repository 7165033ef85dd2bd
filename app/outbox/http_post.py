"""HTTP POST to an address of the operator's: time limits, and the statuses that count as done.

Uses urllib3 directly, which heeds no environment, no .netrc and no cookie. Thousands of small posts
go out while a bot catches up, and what requests adds to each takes longer than the post itself.
"""

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from urllib3.util import parse_url

from app.infra.network.addresses import is_private
from app.infra.network.connection_faults import connection_fault
from app.infra.network.egress import DIRECT, Egress, pool_manager
from app.infra.network.http_client import PlainConnection, SecureConnection
from app.outbox.handlers import RetryLater, TargetGone, Unreachable

CONNECT_S: Final = 5.0
TOTAL_S: Final = 15.0
MAX_RESPONSE_BYTES: Final = 64 * 1024
MAX_WAIT: Final = timedelta(hours=24)

_GONE: Final = HTTPStatus.GONE
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_MAX_DIGITS: Final = 9


class _NotPrivate(HTTPError):
    """An http address led to a machine outside the private network."""


# Raised before anything of the item is sent.
_NO_CONNECTION: Final = (NewConnectionError, ConnectTimeoutError, ProxyError, SSLError, _NotPrivate)


class _PrivateConnection(PlainConnection):
    """A plain http connection, to loopback and private addresses only (R101)."""

    def connect(self) -> None:
        super().connect()
        peer = ipaddress.ip_address(self.sock.getpeername()[0].partition("%")[0])
        if not is_private(peer):
            self.close()
            raise _NotPrivate


class _Pool(HTTPConnectionPool):
    ConnectionCls = _PrivateConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = SecureConnection


class HttpPoster:
    """Posts to one address, over up to *connections* that are kept open. Thread-safe."""

    def __init__(
        self, url: str, *, connections: int, egress: Egress = DIRECT, total_s: float = TOTAL_S
    ) -> None:
        self._total_s = total_s
        pools = pool_manager(
            egress.proxy_for(url),
            egress.added_certificates,
            num_pools=1,
            maxsize=connections,
            ca_certs=DEFAULT_CA_BUNDLE_PATH,
        )
        pools.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        # Looked up once: to find the pool by its address would take a sixth of each post.
        self._pool = pools.connection_from_url(url)
        self._target = parse_url(url).request_uri

    def __repr__(self) -> str:
        # Without the path, which may hold a secret of the bot's.
        return f"HttpPoster({self._pool.host!r})"

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post *body*; return when the answer has a 2xx status.

        Raises:
            Unreachable: There was no connection.
            RetryLater: There was no answer in time, or one with another status.
            TargetGone: The status is 410 Gone.
        """
        try:
            response = self._pool.urlopen(
                "POST",
                self._target,
                body=body,
                headers={"User-Agent": "threadlink", "Accept-Encoding": "identity", **headers},
                timeout=Timeout(connect=CONNECT_S, total=self._total_s),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            _read_and_discard(response)
        except (HTTPError, OSError, ValueError) as exc:
            raised = Unreachable if isinstance(exc, _NO_CONNECTION) else RetryLater
            fault = connection_fault(exc)
            # The name alone: the text of *exc* holds the address.
            raise raised(fault.words if fault else type(exc).__name__.lstrip("_")) from None
        _check_status(response)


def _read_and_discard(response: BaseHTTPResponse) -> None:
    """Read the answer, so that its connection can be reused; close it if the answer is too long."""
    size = 0
    for chunk in response.stream(16 * 1024, decode_content=False):
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            response.close()
            return
    response.release_conn()


def _check_status(response: BaseHTTPResponse) -> None:
    if response.status == _GONE:
        raise TargetGone(f"status {response.status}")
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        wait = _retry_after(response.headers) if response.status in _BUSY else None
        raise RetryLater(f"status {response.status}", wait=wait)


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return the time that Retry-After asks for, in either form (RFC 9110, 10.2.3), up to a day."""
    value = headers.get("Retry-After", "")
    if value.isdecimal() and len(value) <= _MAX_DIGITS:
        return min(timedelta(seconds=int(value)), MAX_WAIT)
    try:
        # Relative to the Date header: both are of the target's clock.
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return min(max(wait, timedelta(0)), MAX_WAIT)
