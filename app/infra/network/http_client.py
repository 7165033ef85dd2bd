"""How this server calls others: nothing of the environment, and an end that a peer cannot put off.

The time-outs of requests bound each wait but that for a name, so a name server that hangs outlives
them, and so does an answer that drips. Here the look-up has an end, and every read, of headers and
of body, has what is left of the whole. Knows nothing of ours, so that every room may
use it.
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
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError

CONNECT_S = 3.0


class Deadline:
    """So many seconds from now, shared by all calls that are given it."""

    def __init__(self, total_s: float) -> None:
        self._ends_at = monotonic() + total_s

    def left_s(self) -> float:
        return self._ends_at - monotonic()


def timeout_within(left_s: float) -> Timeout:
    """Return the time-outs of one exchange that ends in *left_s* seconds.

    Each address of a host gets the time for connecting, and Graph has two (IPv6 and IPv4).
    """
    return Timeout(connect=min(CONNECT_S, left_s / 2), total=left_s)


class AnswerTooLong(Exception):
    """The peer sent more than anybody wants to read."""


def new_session() -> requests.Session:
    """Return a session that heeds no environment and keeps no cookie; it belongs to one thread."""
    # It writes addresses into its log lines, and some of ours hold a secret.
    for name in ("urllib3.connection", "urllib3.connectionpool"):
        logging.getLogger(name).addFilter(_drop)
    session = requests.Session()
    # Else a .netrc replaces our Authorization, and a proxy of the environment hears it.
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    # Nothing to unpack: the cap on the answer is then a cap on what it takes to read it.
    session.headers.update({"User-Agent": "threadlink", "Accept-Encoding": "identity"})
    session.mount("https://", _DeadlineAdapter())
    session.mount("http://", _DeadlineAdapter())
    return session


def read_capped(response: requests.Response, most: int) -> bytes:
    """Return the body of *response*, which was asked for as a stream.

    Raises:
        AnswerTooLong: It has more than *most* bytes.
    """
    content = b""
    for chunk in response.raw.stream(64 * 1024, decode_content=False):
        content += chunk
        if len(content) > most:
            raise AnswerTooLong
    return content


def _drop(_record: logging.LogRecord) -> bool:
    return False


class _DeadlineAdapter(HTTPAdapter):
    """Takes the total of a `Timeout` as a total, whatever the peer does."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _Until(io.RawIOBase):
    def __init__(self, sock: socket.socket, stream: io.RawIOBase) -> None:
        # urllib3 has just set what is left of the total, now that the request has been sent.
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


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Until(sock, self.fp.detach()))


class _Bounded(HTTPConnection):
    """Reads within a total, and waits no longer for a name server than for a peer."""

    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        connect_s = self.timeout
        if not isinstance(connect_s, int | float):
            return super()._new_conn()
        # As long as two addresses may take, which is all that timeout_within() leaves room for.
        made = _beside(super()._new_conn)
        try:
            return made.result(2 * connect_s)
        except TimeoutError as exc:
            made.add_done_callback(_close)
            raise ConnectTimeoutError(self, "the name server or the peer is too slow") from exc


class PlainConnection(_Bounded):
    pass


class SecureConnection(_Bounded, HTTPSConnection):
    pass


def _beside(connect: Callable[[], socket.socket]) -> "Future[socket.socket]":
    """Begin *connect* in a thread that nobody has to wait for: getaddrinfo() knows no time-out."""
    made: Future[socket.socket] = Future()

    def run() -> None:
        try:
            made.set_result(connect())
        except Exception as exc:  # noqa: BLE001 - whatever it is, the caller gets it
            made.set_exception(exc)

    threading.Thread(target=run, name="connect", daemon=True).start()
    return made


def _close(made: "Future[socket.socket]") -> None:
    """Close a connection that came after its caller had gone."""
    if made.exception() is None:
        made.result().close()


class _Pool(HTTPConnectionPool):
    ConnectionCls = PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = SecureConnection
