"""A bot that answers every delivery at once and discards it."""

import multiprocessing
import socketserver
from http.server import BaseHTTPRequestHandler
from typing import Self


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response_only(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class Sink:
    """The bot, in a process of its own while the block runs."""

    def __enter__(self) -> Self:
        server = _Server(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}/"
        self._process = multiprocessing.get_context("fork").Process(target=server.serve_forever)
        self._process.start()
        server.server_close()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.join()
