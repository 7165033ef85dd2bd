"""A webhook for the tests, on a real socket: it records every request."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Webhook:
    """A webhook that answers with `status` and `answer`, once `open` is set."""

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

    def bodies(self) -> list[dict[str, Any]]:
        """Return the parsed body of every delivery, in the order of arrival."""
        return [json.loads(each.body) for each in self.received if each.method == "POST"]

    def events(self) -> list[dict[str, Any]]:
        """Return every event of every delivery, in the order of arrival."""
        entries = [entry for body in self.bodies() for entry in body["entry"]]
        return [event for entry in entries for event in entry["messaging"]]

    def texts(self) -> list[str]:
        """Return the texts of the messages, in the order of arrival."""
        return [event["message"]["text"] for event in self.events()]

    def close(self) -> None:
        """Stop listening, so that connections are refused."""
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
        def _record(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            webhook.received.append(
                Delivery(self.command, self.path, dict(self.headers.items()), body)
            )
            webhook.open.wait()
            self.send_response(webhook.status)
            self.end_headers()
            self.wfile.write(webhook.answer_to(self.path))

        do_GET = do_POST = _record  # noqa: N815 (names that http.server looks up)

        def log_message(self, *_args: object) -> None:
            """Write no log."""

    return Handler
