"""What a stranger may send to a program of the documents: bytes on a bare socket."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Final

# Signs a body: the headers with which the program takes it for genuine.
Sign = Callable[[bytes], Mapping[str, str]]

_SECONDS: Final = 20
BIG: Final = b"x" * 10_000_000
# Of JSON that a signature is right for, so that it is parsed.
BODIES: Final = {
    "empty": b"",
    "cut off": b"{",
    "no UTF-8": b'{"username": "\xff\xfe", "password": "x"}',
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"1e999",
    "deep": b"[" * 20_000,
    "names missing": b"{}",
    "numbers": b'{"username": 1, "password": 2}',
    "objects": b'{"username": {}, "password": []}',
    "nulls": b'{"username": null, "password": null}',
    "half a surrogate": b'{"username": "\\ud800", "password": "\\udfff"}',
    "two names": b'{"username": "a", "username": ["b"], "password": "c"}',
}
# Texts in the place of each header that a sample reads.
TEXTS: Final = (b"", b"\xe9", b"x" * 8_000, b"v1,", b"v1,\xff", b"sha256=\xe9", b"sha256=", b",, ,")
TIMES: Final = (b"", b"soon", b"NaN", b"-1", b"1e999", b"9" * 5_000, b"\xb2")


def unsigned(host_path: str, headers: tuple[str, ...]) -> Iterator[bytes]:
    """Yield whole requests to *host_path* that no key has signed; *headers* are those it reads."""
    start = f"POST {host_path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    for length in (b"2", b"x", b"-1", b"9" * 5_000, b"99999999999999999999", b""):
        yield start + b"Content-Length: " + length + b"\r\n\r\n{}"
    yield start + b"\r\n"
    yield start + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    yield start + b"Content-Length: %d\r\n\r\n" % len(BIG) + BIG
    for name in headers:
        for text in TIMES if "timestamp" in name else TEXTS:
            line = name.encode() + b": " + text + b"\r\n"
            yield start + line + b"Content-Length: 2\r\n\r\n{}"
            # Twice, which some programs join and some make a list of.
            yield start + 2 * line + b"Content-Length: 2\r\n\r\n{}"
    yield b"GARBAGE\r\n\r\n"
    yield start + b"\x00: \xff\r\n\r\n"


def request(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return a well-formed request."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def cut_off(path: str) -> Iterator[bytes]:
    """Yield requests whose end never comes: the client goes away."""
    start = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    yield start
    yield start + b"Content-Length: 50000\r\n\r\n{"
    yield start + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n{"


def status_of(port: int, message: bytes, *, goes_away: bool = False) -> int | None:
    """Send *message*; return the status of the answer, None if the connection was closed."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)) as connection:
        # Either may fail if the program has answered and closed before all was sent.
        with suppress(ConnectionError):
            connection.sendall(message)
            if goes_away:
                connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            line = connection.recv(64)
            return int(line.split()[1]) if line.startswith(b"HTTP/1.") else None
    return None


@contextmanager
def slow_clients(port: int, path: str) -> Iterator[None]:
    """Keep connections open that have sent half of a head, or half of a body."""
    half_bodies = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{".encode()
    with ExitStack() as stack:
        for number in range(40):
            connection = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
            stack.enter_context(closing(connection))
            connection.sendall(half_bodies if number % 2 else b"POST / HT")
        yield
