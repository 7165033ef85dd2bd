"""Patroni's answer to `OPTIONS /primary`, for a node of a pair that has no Patroni.

200 where the node is the primary, 503 where it is not; no answer where its host is gone or frozen.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.drills.high_availability.nodes import Node


@contextmanager
def role_api(node: Node) -> Iterator[int]:
    """Yield the port on which *node*'s role is told."""
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_OPTIONS(self) -> None:
            if node.is_primary is None:
                is_over.wait()
                return
            self.send_response(200 if node.is_primary else 503)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # HAProxy gives up on one that hangs

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
