"""A directory on the loopback whose answers, right or wrong, a test controls.

It encodes LDAP by hand (RFC 4511), so that ldap3 does not decode its own output.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from app.accounts.ldap_settings import LdapSettings

BIND, SEARCH, EXTENDED, UNBIND = 0x60, 0x63, 0x77, 0x42
SEARCHER: Final = b"cn=threadlink"
JANE_DN: Final = "uid=jane,ou=people,dc=example,dc=com"
JANE: Final = "0f5ae1e0-5a1e-4e58-a0b9-3b9a61b7a001"
# An answer that drips so slowly must be given up; otherwise it would be accepted in the end.
DRIP_S: Final = 0.05

Answer = Callable[[int], Iterator[bytes]]


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return *parts* as one BER element."""
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 0x80 else b"\x84" + size.to_bytes(4, "big")
    return bytes([tag]) + length + content


def text(value: str | bytes) -> bytes:
    return tlv(0x04, value.encode() if isinstance(value, str) else value)


def message(number: int, *operation: bytes) -> bytes:
    return tlv(0x30, tlv(0x02, number.to_bytes(4, "big")), *operation)


def result(tag: int, code: int, *more: bytes) -> bytes:
    """Return the end of an operation, with *code* of RFC 4511, appendix A."""
    return tlv(tag, tlv(0x0A, bytes([code])), text(""), text("canary-said-by-the-directory"), *more)


def entry(dn: str, attributes: Mapping[str, Sequence[str | bytes]]) -> bytes:
    """Return one entry found."""
    listed = (
        tlv(0x30, text(name), tlv(0x31, *map(text, values))) for name, values in attributes.items()
    )
    return tlv(0x64, text(dn), tlv(0x30, *listed))


@dataclass
class StubDirectory:
    """The right answers, and places to put wrong ones; *asked* is what it was asked, in order."""

    port: int = 0
    searcher: int = 0  # the result code of the searcher's bind; of the found entry's:
    person: int = 0
    found: list[bytes] = field(
        default_factory=lambda: [
            entry(JANE_DN, {"entryUUID": [JANE], "mail": ["jane@example.com"]})
        ]
    )
    ends: bytes = result(0x65, 0)
    start_tls: int = 0
    # Answers instead, by what is asked.
    instead: dict[int, Answer] = field(default_factory=dict)
    drips: bool = False
    asked: list[int] = field(default_factory=list)
    binds: list[tuple[bytes, bytes]] = field(default_factory=list)
    searches: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def settings(self, scheme: str = "ldap", ca_file: str | None = None) -> LdapSettings:
        return LdapSettings(
            name="staff",
            url=f"{scheme}://127.0.0.1:{self.port}",
            base="ou=people,dc=example,dc=com",
            filter="(uid={username})",
            bind_dn=SEARCHER.decode(),
            bind_password="canary-searcher",
            subject="entryUUID",
            name_attribute="mail",
            ca_file=ca_file,
        )

    def answers(self, asked: bytes) -> Iterator[bytes]:
        number, operation = _taken_apart(asked)
        tag = operation[0]
        self.asked.append(tag)
        if tag == BIND:
            self.binds.append(_credentials(operation))
        elif tag == SEARCH:
            self.searches.append(operation)
        if tag in self.instead:
            yield from self.instead[tag](number)
        elif tag == BIND:
            is_searcher = self.binds[-1][0] == SEARCHER
            yield message(number, result(0x61, self.searcher if is_searcher else self.person))
        elif tag == SEARCH:
            yield from (message(number, one) for one in self.found)
            yield message(number, self.ends)
        elif tag == EXTENDED:
            yield message(number, result(0x78, self.start_tls))

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=self._talk, args=(peer,)).start()

    def _talk(self, peer: socket.socket) -> None:
        with peer, suppress(OSError):
            try:
                while not self.over.is_set():
                    for answer in self.answers(_one_message(peer)):
                        self._says(peer, answer)
            except Crash:
                # What was sent may never be read.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _says(self, peer: socket.socket, answer: bytes) -> None:
        for drop in (answer[i : i + 1] for i in range(len(answer))) if self.drips else [answer]:
            peer.sendall(drop)
            if self.drips and self.over.wait(DRIP_S):
                return


class Crash(Exception):
    """The directory is gone in the middle of a word."""


@contextmanager
def directing(directory: StubDirectory | None = None) -> Iterator[StubDirectory]:
    """Yield a directory that answers until the block ends."""
    there = directory or StubDirectory()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        there.port = listener.getsockname()[1]
        thread = threading.Thread(target=there.serve, args=(listener,))
        thread.start()
        try:
            yield there
        finally:
            there.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _one_message(peer: socket.socket) -> bytes:
    head = _exactly(peer, 2)
    if head[1] < 0x80:
        return head + _exactly(peer, head[1])
    length = _exactly(peer, head[1] & 0x7F)
    return head + length + _exactly(peer, int.from_bytes(length, "big"))


def _exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = peer.recv(size - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def _content(element: bytes) -> tuple[bytes, bytes]:
    """Return what is in the first element of *element*, and what follows it."""
    size, start = element[1], 2
    if size >= 0x80:
        start += size & 0x7F
        size = int.from_bytes(element[2:start], "big")
    return element[start : start + size], element[start + size :]


def _taken_apart(asked: bytes) -> tuple[int, bytes]:
    number, operation = _content(_content(asked)[0])
    return int.from_bytes(number, "big"), operation


def _credentials(operation: bytes) -> tuple[bytes, bytes]:
    _, rest = _content(_content(operation)[0])  # the version
    dn, rest = _content(rest)
    return dn, _content(rest)[0]
