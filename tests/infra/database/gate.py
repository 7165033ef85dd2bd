"""A way to a PostgreSQL that may be closed: what goes in then is never answered, nor refused.

So it is with a server whose host has vanished or is frozen.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import URL


class Gate:
    """Leads connections to *server*; those that were open when it was closed stay silent."""

    def __init__(self, server: URL) -> None:
        assert server.host is not None
        assert server.port is not None
        self._server = (server.host, server.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._is_open = True
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        # How many connections came in.
        self.count = 0
        self.url = server.set(port=self._listener.getsockname()[1])

    def close(self) -> None:
        """Let nothing through any more."""
        self._is_open = False
        for one in self._sockets:
            # The threads that read from these see an end, which they do not pass on.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RD)

    def open(self) -> None:
        """Let new connections through."""
        self._is_open = True

    def end(self) -> None:
        self.close()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in [self._listener, *self._sockets]:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.count += 1
            self._sockets.append(client)
            if self._is_open:
                server = socket.create_connection(self._server)
                self._sockets.append(server)
                for way in ((client, server), (server, client)):
                    self._threads.append(threading.Thread(target=self._pass_on, args=way))
                    self._threads[-1].start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while self._is_open and (read := one.recv(65536)):
                if self._is_open:
                    other.sendall(read)
            if self._is_open:
                other.shutdown(socket.SHUT_WR)


@contextmanager
def gate_to(server: URL) -> Iterator[Gate]:
    """Yield a gate that leads to *server*."""
    gate = Gate(server)
    try:
        yield gate
    finally:
        gate.end()
