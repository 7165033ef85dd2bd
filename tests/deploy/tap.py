"""A wire between a proxy and the server that keeps what passes."""

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_HEAD: Final = re.compile(rb"(?m)^[A-Z]+ \S+ HTTP/1\.[01]\r\n((?:[^\r\n]+\r\n)*)\r\n")


class Tap(socketserver.ThreadingTCPServer):
    """Passes each connection on to the server at *server_port*."""

    daemon_threads = True
    # Reached by their connections' ends, not waited for.
    block_on_close = False

    def __init__(self, server_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.server_port = server_port
        self.sent, self.answered = bytearray(), bytearray()
        self.has_answered = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def heads(self) -> list[dict[str, str]]:
        """Return the headers of each request, by their names in lower case."""
        return [
            {
                name.lower(): value.strip()
                for name, _, value in (
                    line.partition(":") for line in head.decode("latin-1").splitlines()
                )
            }
            for head in _HEAD.findall(bytes(self.sent))
        ]


class _Passing(socketserver.BaseRequestHandler):
    server: Tap

    def handle(self) -> None:
        tap = self.server
        with socket.create_connection(("127.0.0.1", tap.server_port)) as server:
            back = (server, self.request, tap.answered, tap.has_answered)
            thread = threading.Thread(target=_pass_on, args=back, daemon=True)
            thread.start()
            _pass_on(self.request, server, tap.sent, threading.Event())
            thread.join()


def _pass_on(
    source: socket.socket, target: socket.socket, kept: bytearray, has_passed: threading.Event
) -> None:
    try:
        while part := source.recv(65536):
            kept += part
            has_passed.set()
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of the two has gone


@contextmanager
def tapping(server_port: int) -> Iterator[Tap]:
    """Yield a tap before the server at *server_port*."""
    with Tap(server_port) as tap:
        thread = threading.Thread(target=tap.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield tap
        finally:
            tap.shutdown()
            thread.join()
