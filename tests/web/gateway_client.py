"""An HTTP client of the ASGI gateway of `threadlink serve`, without a socket."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode, urlsplit

from app.services.container import Services
from app.web.api.fast_path import is_look_up
from app.web.fast_paths import FastPaths
from app.web.refusals import Refusals
from app.web.server.asgi import AsgiGateway
from app.web.server.wsgi import Application
from app.web.webhook.fast_path import is_signed_delivery
from tests.browsers import Answer


def gateway_of(
    app: Application, built: Services, *, threads: int = 1, is_fast: bool = True
) -> AsgiGateway:
    """Return the gateway of *app* with the parts that it has in `threadlink serve`.

    If it is not *is_fast*, all that Flask can answer goes to Flask.
    """
    return AsgiGateway(
        app,
        threads=threads,
        fast_path=FastPaths(built) if is_fast else None,
        may_be_large=is_signed_delivery,
        is_quick=is_look_up,
        refusal=Refusals(built.settings),
    )


class GatewayClient:
    """Sends requests for *origin* to *gateway*; it keeps no cookies."""

    def __init__(self, gateway: AsgiGateway, origin: str) -> None:
        self._gateway = gateway
        self._origin = urlsplit(origin)

    def __call__(
        self,
        method: str,
        address: str,
        *,
        body: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        content = urlencode(body).encode() if isinstance(body, Mapping) else body or b""
        given = {"Host": self._origin.netloc, "Content-Length": str(len(content))}
        if isinstance(body, Mapping):
            given["Content-Type"] = "application/x-www-form-urlencoded"
        fields = [*{**given, **(headers or {})}.items()]
        return self.asks(method, address, content, fields)

    def asks(
        self, method: str, address: str, content: bytes, fields: list[tuple[str, str]]
    ) -> Answer:
        """Send exactly the header *fields*, some of them perhaps twice."""
        # In a thread of its own: a browser's loop may be running in this one.
        with ThreadPoolExecutor(1) as thread:
            asking = self.asks_meanwhile(method, address, content, fields)
            return thread.submit(asyncio.run, asking).result()

    async def asks_meanwhile(
        self, method: str, address: str, content: bytes, fields: list[tuple[str, str]]
    ) -> Answer:
        """Do the same on an event loop that is there."""
        path, _, query = address.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": self._origin.scheme,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 8000),
            "headers": [(name.lower().encode(), value.encode()) for name, value in fields],
        }
        return await self._ask(scope, content)

    async def _ask(self, scope: dict[str, Any], content: bytes) -> Answer:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._gateway(scope, receive, send)
        start, rest = sent
        fields = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(int(start["status"]), fields, rest["body"])
