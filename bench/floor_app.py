"""The cost of the server when nothing is stored: ASGI, signature, typed parse, 200."""

import hmac
from typing import Any

import msgspec


class Party(msgspec.Struct):
    id: str


class Linking(msgspec.Struct):
    status: str


class Event(msgspec.Struct):
    sender: Party
    recipient: Party
    timestamp: int
    account_linking: Linking | None = None


class Entry(msgspec.Struct):
    id: str
    messaging: list[Event] = []


class Body(msgspec.Struct):
    object: str
    entry: list[Entry]


decode = msgspec.json.Decoder(Body).decode
FIELDS = [(b"content-type", b"text/plain"), (b"content-length", b"0")]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer one delivery; anything else is refused."""
    content, is_more = b"", scope["type"] == "http"
    while is_more:
        message = await receive()
        content += message["body"]
        is_more = message["more_body"]
    given = dict(scope.get("headers", ())).get(b"x-hub-signature-256", b"")
    is_signed = hmac.compare_digest(
        b"sha256=" + hmac.digest(b"s3cret", content, "sha256").hex().encode(), given
    )
    if is_signed:
        decode(content)
    start = {"type": "http.response.start", "status": 200 if is_signed else 403, "headers": FIELDS}
    await send(start)
    await send({"type": "http.response.body", "body": b""})
