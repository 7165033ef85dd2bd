"""The HTTP client: `requests` with a deadline for the whole exchange, and without the environment.

The time-outs of requests bound each single wait, and no wait for a name server: a name server that
hangs, or an answer that arrives byte by byte, outlasts them. Here the name look-up is bounded, and
every read, of headers and of the body, has what is left of the total.
"""

import http.client
import io
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, ProxyError

from app.infra.network.egress import DIRECT, Egress, Proxy, pool_manager

CONNECT_S = 3.0


class Deadline:
    """A moment *total_s* seconds from now, shared by several calls."""

    def __init__(self, total_s: float) -> None:
        self._ends_at = monotonic() + total_s

    def left_s(self) -> float:
        return self._ends_at - monotonic()


def timeout_within(left_s: float) -> Timeout:
    """Return the time-outs of an exchange that has to end in *left_s* seconds.

    The time-out for connecting applies to each address of a host; Graph has two (IPv6 and IPv4).
    """
    return Timeout(connect=min(CONNECT_S, left_s / 2), total=left_s)


class AnswerTooLong(Exception):
    """The body of the answer is longer than the caller allows."""


class TunnelRefused(ProxyError):
    """The outgoing proxy was reached, and makes no tunnel to the target."""


def new_session(egress: Egress = DIRECT, *, ca_file: str | None = None) -> requests.Session:
    """Return a session that ignores the environment and cookies; it is for one thread.

    *ca_file* has the certificates to trust in place of all others.
    """
    silence_urllib3()
    session = requests.Session()
    # Else a .netrc would replace our Authorization header, and a proxy would see it.
    session.trust_env = False
    session.verify = ca_file or True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    # No compression: the limit on the answer is then a limit on memory, too.
    session.headers.update({"User-Agent": "threadlink", "Accept-Encoding": "identity"})
    adapter = _DeadlineAdapter(egress, None if ca_file else egress.added_certificates)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def read_capped(response: requests.Response, most: int) -> bytes:
    """Return the body of *response*, which was requested with ``stream=True``.

    Raises:
        AnswerTooLong: It has more than *most* bytes.
    """
    content = b""
    for chunk in response.raw.stream(64 * 1024, decode_content=False):
        content += chunk
        if len(content) > most:
            raise AnswerTooLong
    return content


def silence_urllib3() -> None:
    """Keep the lines of urllib3 out of the log: it logs addresses, and some of ours are secret."""
    for name in ("urllib3.connection", "urllib3.connectionpool"):
        logging.getLogger(name).addFilter(_drop)


def _drop(_record: logging.LogRecord) -> bool:
    return False


class _DeadlineAdapter(HTTPAdapter):
    """Applies the total of a `Timeout` to the whole exchange, and goes by the proxy of *egress*."""

    def __init__(self, egress: Egress, added_certificates: str | None) -> None:
        self._egress, self._added_certificates = egress, added_certificates
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, *_: Any, **__: Any) -> None:
        self.poolmanager = self._pools(None, num_pools=connections, maxsize=maxsize)

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        # Those in *kwargs* are of the environment.
        proxy = self._egress.proxy_for(request.url or "")
        kwargs["proxies"] = {"https": proxy.url} if proxy else {}
        return super().send(request, *args, **kwargs)

    def proxy_manager_for(self, proxy: str, **_: Any) -> PoolManager:
        pools: PoolManager | None = self.proxy_manager.get(proxy)
        if pools is None:
            pools = self.proxy_manager[proxy] = self._pools(self._egress.proxy)
        return pools

    def _pools(self, proxy: Proxy | None, **more: Any) -> PoolManager:
        pools = pool_manager(proxy, self._added_certificates, **more)
        pools.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return pools


class _DeadlineStream(io.RawIOBase):
    """Reads from *stream* until the deadline."""

    def __init__(self, sock: socket.socket, stream: io.RawIOBase) -> None:
        # urllib3 has just set this time-out: what is left of the total after the request was sent.
        self._deadline = Deadline(sock.gettimeout() or 0)
        self._sock, self._stream = sock, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._deadline.left_s()
        if left_s <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(left_s)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineStream(sock, self.fp.detach()))


class _DeadlineConnection(HTTPConnection):
    """Reads until a deadline, and bounds the wait for the name server."""

    response_class = _DeadlineResponse

    def _new_conn(self) -> socket.socket:
        connect_s = self.timeout
        if not isinstance(connect_s, int | float):
            return super()._new_conn()
        # For two addresses; timeout_within() leaves no room for more.
        made = _in_thread(super()._new_conn)
        try:
            return made.result(2 * connect_s)
        except TimeoutError as exc:
            made.add_done_callback(_close)
            raise ConnectTimeoutError(self, "the name server or the peer is too slow") from exc


class PlainConnection(_DeadlineConnection):
    pass


class SecureConnection(_DeadlineConnection, HTTPSConnection):
    def _tunnel(self) -> None:
        # Else urllib3 would take it for a failure of the target.
        try:
            super()._tunnel()
        except (OSError, http.client.HTTPException) as exc:
            raise TunnelRefused("no tunnel", exc) from exc


def _in_thread(connect: Callable[[], socket.socket]) -> "Future[socket.socket]":
    """Start *connect* in a thread, which may be left behind: getaddrinfo() has no time-out."""
    made: Future[socket.socket] = Future()

    def run() -> None:
        try:
            made.set_result(connect())
        except Exception as exc:  # noqa: BLE001 - the caller gets it
            made.set_exception(exc)

    threading.Thread(target=run, name="connect", daemon=True).start()
    return made


def _close(made: "Future[socket.socket]") -> None:
    """Close a connection that was made after its caller had given up."""
    if made.exception() is None:
        made.result().close()


class _Pool(HTTPConnectionPool):
    ConnectionCls = PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = SecureConnection
