"""Stubs of ngrok and cloudflared: their local APIs and their public addresses.

The answers are those of ngrok.com/docs/agent/api ("List tunnels") and of cloudflared's metrics
server (github.com/cloudflare/cloudflared, metrics/metrics.go), read 2026-11.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

METRICS = {
    "conns": {"count": 0, "gauge": 0, "rate1": 0, "rate5": 0, "rate15": 0, "p50": 0, "p90": 0},
    "http": {"count": 0, "rate1": 0, "rate5": 0, "rate15": 0, "p50": 0, "p90": 0},
}


@dataclass
class LocalApi:
    """The local API of a tunnel program: a body for each path; anything else is 404."""

    origin: str = ""
    bodies: dict[str, Any] = field(default_factory=dict)

    def is_ngrok(self, *tunnels: tuple[str, str]) -> None:
        """Report *tunnels* from now on: public addresses, and where they lead."""
        rows = [
            {
                "name": "command_line",
                "uri": "/api/tunnels/command_line",
                "public_url": url,
                "proto": url.partition(":")[0],
                "config": {"addr": upstream, "inspect": True},
                "metrics": METRICS,
            }
            for url, upstream in tunnels
        ]
        self.bodies = {"/api/tunnels": {"tunnels": rows, "uri": "/api/tunnels"}}

    def is_cloudflared(self, hostname: str, *rules: dict[str, Any]) -> None:
        """Tell from now on of the quick tunnel *hostname*, and of *rules* (None by an old one)."""
        self.bodies = {"/quicktunnel": {"hostname": hostname}}
        if rules:
            config = {"ingress": rules, "warp-routing": {}, "originRequest": {}}
            self.bodies["/config"] = {"version": -1, "config": config}


@contextmanager
def local_api() -> Iterator[LocalApi]:
    """Yield a local API that knows no tunnel yet."""
    api = LocalApi()

    class Handler(_Quiet):
        def do_GET(self) -> None:
            found = api.bodies.get(self.path)
            self.answer(404 if found is None else 200, json.dumps(found).encode())

    with _listening(Handler) as api.origin:
        yield api


@contextmanager
def entrance(port: int) -> Iterator[str]:
    """Yield the address of a way in that brings every request to *port*, as tunnels do."""

    class Handler(_Quiet):
        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            inside = HTTPConnection("127.0.0.1", port, timeout=30)
            forwarded = {"X-Forwarded-For": self.client_address[0], "X-Forwarded-Proto": "http"}
            headers = {**dict(self.headers.items()), **forwarded, "Connection": "close"}
            try:
                inside.request(self.command, self.path, body, headers)
                answer = inside.getresponse()
                self.answer(answer.status, answer.read(), answer.getheaders())
            except ConnectionRefusedError:
                self.answer(502, b"ERR_NGROK_8012", [("ngrok-error-code", "ERR_NGROK_8012")])
            finally:
                inside.close()

        do_GET = do_POST = pass_on  # noqa: N815 - http.server looks them up

    with _listening(Handler) as origin:
        yield origin


class _Quiet(BaseHTTPRequestHandler):
    def answer(
        self, status: int, body: bytes, headers: list[tuple[str, str]] | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in headers or []:
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: object) -> None:
        """Say nothing: tests are quiet."""


@contextmanager
def _listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
