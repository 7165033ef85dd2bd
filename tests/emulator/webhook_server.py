"""The other side for these tests: a webhook on a real socket that records what it is sent."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request that arrived, byte by byte."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Webhook:
    """Answers with `status` and `answer`; while `open` is not set, not at all."""

    def __init__(self) -> None:
        self.received: list[Delivery] = []
        self.status = 200
        self.answer = b""
        self.open = threading.Event()
        self.open.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.origin}/webhook"

    def answer_to(self, _path: str) -> bytes:
        return self.answer

    def events(self) -> list[dict[str, Any]]:
        """Return every event of every delivery, in the order of arrival."""
        bodies = [json.loads(each.body) for each in self.received if each.method == "POST"]
        return [event for body in bodies for entry in body["entry"] for event in entry["messaging"]]

    def close(self) -> None:
        """Stop listening: from now on nobody answers here."""
        self.open.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread.is_alive():
            self.close()


def _handler(webhook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            webhook.received.append(
                Delivery(self.command, self.path, dict(self.headers.items()), body)
            )
            webhook.open.wait()
            self.send_response(webhook.status)
            self.end_headers()
            self.wfile.write(webhook.answer_to(self.path))

        do_GET = do_POST = _take  # noqa: N815 (names that http.server looks up)

        def log_message(self, *_said: object) -> None:
            """Say nothing: tests are quiet."""

    return Handler
