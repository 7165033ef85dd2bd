"""What an edge, a proxy or the line does to an answer, whatever Graph meant to say."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from typing import Final

from flask import Response, request

DRIP_SECONDS: Final = 0.5
# As edges answer when what is behind them does not; no text of Meta's is known.
_HTML = (
    "<!DOCTYPE html><html><head><title>Error</title></head>"
    "<body><h1>Sorry, something went wrong.</h1></body></html>"
)


def html() -> Response:
    """Return the page that an edge sends when nobody behind it answers."""
    return Response(_HTML, 502, content_type="text/html; charset=utf-8")


def dripping(response: Response) -> Response:
    """Return *response* with its bytes half a second apart."""
    content = response.get_data()
    slow = Response(_drops(content), response.status_code, headers=response.headers)
    slow.headers["Content-Length"] = str(len(content))
    return slow


def _drops(content: bytes) -> Iterator[bytes]:
    for place in range(len(content)):
        yield content[place : place + 1]
        time.sleep(DRIP_SECONDS)


def reset() -> Response:
    """Return what breaks the connection, before the first byte, where it is to be answered."""
    return Response(_broken(request.environ.get("werkzeug.socket")))


def _broken(line: object) -> Iterator[bytes]:
    # The development server of werkzeug hands its socket over, for protocol upgrades.
    if isinstance(line, socket.socket):
        # Closing without lingering sends RST instead of FIN, and the socket's own close would wait
        # for the files that were made of it.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(line.detach())
    raise ConnectionResetError
    yield b""  # What makes this an iterator, which the server asks for its first byte.
