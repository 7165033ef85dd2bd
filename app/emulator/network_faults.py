"""Network faults: answers changed by an edge server, a proxy or the connection."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from typing import Final

from flask import Response, request

DRIP_SECONDS: Final = 0.5
# What edge servers send when the server behind them fails; Meta's text is not known.
_HTML = (
    "<!DOCTYPE html><html><head><title>Error</title></head>"
    "<body><h1>Sorry, something went wrong.</h1></body></html>"
)


def html() -> Response:
    """Return the HTML page of an edge server whose backend does not answer."""
    return Response(_HTML, 502, content_type="text/html; charset=utf-8")


def dripping(response: Response) -> Response:
    """Return *response* with its bytes sent half a second apart."""
    content = response.get_data()
    slow = Response(_bytes_apart(content), response.status_code, headers=response.headers)
    slow.headers["Content-Length"] = str(len(content))
    return slow


def _bytes_apart(content: bytes) -> Iterator[bytes]:
    for position in range(len(content)):
        yield content[position : position + 1]
        time.sleep(DRIP_SECONDS)


def reset() -> Response:
    """Return a response that resets the connection before its first byte."""
    return Response(_resetting(request.environ.get("werkzeug.socket")))


def _resetting(connection: object) -> Iterator[bytes]:
    # werkzeug's development server passes its socket on, for protocol upgrades.
    if isinstance(connection, socket.socket):
        # With a linger time of 0 closing sends RST instead of FIN. The descriptor is closed
        # directly, because socket.close waits for the file objects made from the socket.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.detach())
    raise ConnectionResetError
    yield b""  # Makes this a generator, so that it runs when the server asks for the first byte.
