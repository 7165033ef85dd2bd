"""A forward proxy for CONNECT on loopback, and a TLS server that it leads every name to."""

import re
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

_METHOD: Final = b"CONNECT "
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")
_BLOCK: Final = 64 * 1024
_LIMIT_S: Final = 10.0
_ANSWER: Final = b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id":"1"}'


@dataclass
class ForwardProxy:
    """The proxy: what it was asked, what the server behind it was sent, and how it answers."""

    port: int = 0
    behind_port: int = 0
    # Each request's head, without its body.
    asked: list[str] = field(default_factory=list)
    behind: list[bytes] = field(default_factory=list)
    # In place of a tunnel; empty: there is one.
    says: bytes = b""
    hangs: bool = False

    @property
    def targets(self) -> list[str]:
        """The hosts and ports that it was asked for."""
        return [head.split()[1] for head in self.asked]

    def serve(self, near: socket.socket) -> None:
        """Answer one connection to the proxy."""
        if (begins := near.recv(len(_METHOD))) != _METHOD:
            near.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        self.asked.append((begins + _head(near)).decode("latin-1"))
        if self.hangs:
            near.recv(1)
        elif self.says:
            near.sendall(self.says)
        else:
            with socket.create_connection(("127.0.0.1", self.behind_port), _LIMIT_S) as far:
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _relay(near, far)

    def answer(self, near: socket.socket) -> None:
        """Answer one request to the server behind."""
        head = _head(near)
        self.behind.append(head)
        length = _LENGTH.search(head)
        left = int(length[1]) if length else 0
        # What is left unread would make the end of this connection a reset.
        while left and (block := near.recv(left)):
            left -= len(block)
        near.sendall(_ANSWER)


def _head(near: socket.socket) -> bytes:
    """Read up to the empty line, and no byte of what follows."""
    read = b""
    while not read.endswith(b"\r\n\r\n"):
        if not (byte := near.recv(1)):
            raise ConnectionError
        read += byte
    return read


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Pass on what each side sends, until one of them ends.

    In one thread: OpenSSL's connections are not for two at once, one that reads and one that writes
    (openssl.org, "openssl-threads"), and Python 3.11 keeps them apart no better.
    """
    sides = {one: other, other: one}
    with suppress(OSError):
        while ready := _readable(one, other):
            for side in ready:
                block = side.recv(_BLOCK)
                sides[side].sendall(block)
                if not block:
                    return


def _readable(*sides: socket.socket) -> list[socket.socket]:
    """Return the sides that have something to read, none after `_LIMIT_S`."""
    held = [side for side in sides if isinstance(side, ssl.SSLSocket) and side.pending()]
    return [*held] or select.select(sides, [], [], _LIMIT_S)[0]


@contextmanager
def _listening(
    answer: Callable[[socket.socket], None], tls: ssl.SSLContext | None
) -> Iterator[int]:
    """Yield the port of a server whose connections are each given to *answer*, in a thread."""
    threads: list[threading.Thread] = []

    def talk(raw: socket.socket) -> None:
        raw.settimeout(_LIMIT_S)
        with raw, suppress(OSError):
            near = tls.wrap_socket(raw, server_side=True) if tls else raw
            with near:
                answer(near)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=talk, args=(listener.accept()[0],)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *threads):
                thread.join()


@contextmanager
def forward_proxy(
    behind: ssl.SSLContext, *, own: ssl.SSLContext | None = None
) -> Iterator[ForwardProxy]:
    """Yield a proxy, which speaks TLS itself with *own*; the server behind has *behind*."""
    proxy = ForwardProxy()
    with (
        _listening(proxy.answer, behind) as proxy.behind_port,
        _listening(proxy.serve, own) as proxy.port,
    ):
        yield proxy
