"""A stand-in for Threadlink's API, which gives each caller the answer of one vector."""

import json
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ApiStub(ThreadingHTTPServer):
    """At /WHO/NUMBER it answers as vector NUMBER has it; *requests* are by WHO and NUMBER."""

    def __init__(self, vectors: Sequence[dict[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.vectors = vectors
        self.requests: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.keys: set[str | None] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ApiStub
    timeout = 10

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        _, who, number, path = self.path.split("/", 3)
        content = json.loads(body) if body else None
        asked = {"method": self.command, "path": f"/{path}", "body": content}
        self.server.requests[f"{who}/{number}"].append(asked)
        self.server.keys.add(self.headers.get("Authorization"))
        answer = self.server.vectors[int(number)]["answer"]
        sent = answer["body"].encode() + b" " * answer.get("spaces", 0)
        self.send_response(answer["status"])
        self.send_header("Content-Type", answer["content_type"])
        self.send_header("Content-Length", str(len(sent)))
        if "location" in answer:
            self.send_header("Location", f"/{who}/{number}{answer['location']}")
        self.end_headers()
        with suppress(ConnectionError):  # a client may have read enough
            self.wfile.write(sent)

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def running(vectors: Sequence[dict[str, Any]]) -> Iterator[ApiStub]:
    stub = ApiStub(vectors)
    thread = threading.Thread(target=stub.serve_forever, args=(0.02,))
    thread.start()
    yield stub
    stub.shutdown()
    thread.join()
    stub.server_close()


@contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """Yield the address of a server that takes one request, says *answer* and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answers() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=answers)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()
