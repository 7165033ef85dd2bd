"""One POST to an address of the operator's: what counts as done, and how long it may take.

Straight on urllib3, which heeds no proxy, no .netrc and no cookie: thousands of small posts go out
here while a bot catches up, and what requests adds to each takes longer than the post.
"""

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from app.infra.network.addresses import is_private
from app.infra.network.http_client import PlainConnection, SecureConnection
from app.outbox.handlers import RetryLater, TargetGone

CONNECT_S: Final = 5.0
TOTAL_S: Final = 15.0
MOST_ANSWER: Final = 64 * 1024
LONGEST_WAIT: Final = timedelta(hours=24)

_GONE: Final = HTTPStatus.GONE
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_LONGEST_NUMBER: Final = 9


class _NotPrivate(HTTPError):
    """An http address led to a machine beyond the own network."""


class _PrivateConnection(PlainConnection):
    """http, and only to where nobody else can listen (security.md R101)."""

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


class Poster:
    """Posts to one address; any thread may."""

    def __init__(self, url: str, *, at_once: int, total_s: float = TOTAL_S) -> None:
        self._total_s = total_s
        pools = PoolManager(num_pools=1, maxsize=at_once, ca_certs=DEFAULT_CA_BUNDLE_PATH)
        pools.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        # Asked for once: to find it by its address takes a sixth of each post.
        self._pool = pools.connection_from_url(url)
        self._target = parse_url(url).request_uri

    def __repr__(self) -> str:
        # The path may hold a secret of the bot's.
        return f"Poster({self._pool.host!r})"

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post *body*; return when the answer says that it has been taken.

        Raises:
            Again: It has not been.
            Gone: The answer is 410.
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
            # One word: the text of *exc* holds the address.
            raise RetryLater(type(exc).__name__.lstrip("_")) from None
        _judge(response)


def _read_and_discard(response: BaseHTTPResponse) -> None:
    """Leave the connection fit for the next post, unless the answer is too long for that."""
    size = 0
    for chunk in response.stream(16 * 1024, decode_content=False):
        size += len(chunk)
        if size > MOST_ANSWER:
            response.close()
            return
    response.release_conn()


def _judge(response: BaseHTTPResponse) -> None:
    if response.status == _GONE:
        raise TargetGone
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        wait = _asked_wait(response.headers) if response.status in _BUSY else None
        raise RetryLater(f"status {response.status}", wait=wait)


def _asked_wait(headers: Mapping[str, str]) -> timedelta | None:
    """Return what Retry-After asks for, in either of its forms, as far as anybody may ask."""
    asked = headers.get("Retry-After", "")
    if asked.isdecimal() and len(asked) <= _LONGEST_NUMBER:
        return min(timedelta(seconds=int(asked)), LONGEST_WAIT)
    try:
        # Their clock against their clock.
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return min(max(wait, timedelta(0)), LONGEST_WAIT)
