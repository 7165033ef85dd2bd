"""A forward proxy for CONNECT on loopback, and a TLS server that it leads every name to."""

import re
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
                back = threading.Thread(target=_pass_on, args=(far, near))
                back.start()
                _pass_on(near, far)
                back.join()

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


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while block := one.recv(_BLOCK):
            other.sendall(block)
    for each in (one, other):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


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
