"""A stub of the Graph calls that a log-in makes, which can be made to hang."""

import http.server
import json
import multiprocessing
import re
import socketserver
import time
from hashlib import sha256
from typing import Self
from urllib.parse import parse_qs, urlsplit

# Longer than any client waits for it.
HANGS_S = 20


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.server.hangs.is_set():  # type: ignore[attr-defined]  # ours
            time.sleep(HANGS_S)
        asked = urlsplit(self.path)
        tokens = parse_qs(asked.query).get("account_linking_token")
        known = {"first_name": "Ana", "last_name": "Berg"}
        if tokens and re.fullmatch(r"/v[0-9.]+/me", asked.path):
            psid = str(int(sha256(tokens[0].encode()).hexdigest()[:12], 16))
            known = {"id": self.server.page, "recipient": psid}  # type: ignore[attr-defined]
        body = json.dumps(known).encode()
        self.send_response_only(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


class Graph:
    """The stub for *page*, in a process of its own; it answers nothing while *hangs* is set."""

    def __init__(self, page: str) -> None:
        context = multiprocessing.get_context("fork")
        self.hangs = context.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.page, self._server.hangs = page, self.hangs  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._process = context.Process(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._process.start()
        self._server.server_close()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.join()
