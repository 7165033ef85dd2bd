"""A peer on the loopback that answers as a test wants it to, down to the byte."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# Is run for each request; raising OSError hangs up.
Script = Callable[[socket.socket], None]


@contextmanager
def peer(script: Script) -> Iterator[str]:
    """Yield the address of a server that runs *script* whenever it has read something."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sockets = [listening]
        thread = threading.Thread(target=_serve, args=(sockets, script))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            # Else accept() and recv() go on waiting.
            for one in sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            thread.join()


def hang_up(*answer: bytes) -> Script:
    """Return a script that sends *answer* and closes the connection."""

    def script(connection: socket.socket) -> None:
        connection.sendall(b"".join(answer))
        raise ConnectionAbortedError

    return script


def _serve(sockets: list[socket.socket], script: Script) -> None:
    while True:
        try:
            connection, _ = sockets[0].accept()
        except OSError:
            return
        sockets.append(connection)
        with connection, suppress(OSError):
            while connection.recv(65_536):
                script(connection)
