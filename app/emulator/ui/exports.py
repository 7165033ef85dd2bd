"""An exchange in other forms: to be run in a shell, kept as a test, or sent once more."""

import json
import re
import shlex
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.emulator.clock import milliseconds
from app.emulator.context import Emulator
from app.emulator.webhooks import signing
from app.emulator.webhooks.http_sender import Post
from app.emulator.webhooks.journal import Exchange

# Made anew by whoever sends it.
_OF_THE_LINE = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding"}
_WORD = re.compile(r"[a-z0-9]+")


def as_curl(exchange: Exchange, origin: str) -> str:
    """Return a command that sends the same request again; Graph is at *origin*."""
    words = ["curl", "-i", "-X", exchange.method, _address(exchange, origin)]
    lines = [shlex.join(words)]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in _headers(exchange)]
    if exchange.body:
        lines.append(f"--data-raw {shlex.quote(exchange.body)}")
    return " \\\n  ".join(lines) + "\n"


def as_pytest(exchange: Exchange, origin: str) -> str:
    """Return a test that sends the same request, byte for byte, and wants what Messenger wants."""
    name = "_".join(_WORD.findall(exchange.title.lower())) or "exchange"
    wanted = exchange.status if exchange.kind == "graph" and exchange.status else 200
    headers = "".join(f"    {each!r}: {value!r},\n" for each, value in _headers(exchange))
    return (
        f"import requests\n\nURL = {_address(exchange, origin)!r}\n"
        f"HEADERS = {{\n{headers}}}\nBODY = {exchange.body.encode()!r}\n\n\n"
        f"def test_{name}():\n"
        f"    answer = requests.request(\n"
        f"        {exchange.method!r}, URL, data=BODY, headers=HEADERS, timeout=20\n    )\n\n"
        f"    assert answer.status_code == {wanted}\n"
    )


def again(exchange: Exchange) -> Post:
    """Return the same bytes with the same signature, as a repeat of Messenger's."""
    return Post(
        kind=exchange.kind,
        title=f"{exchange.title}, again",
        method=exchange.method,
        url=exchange.url,
        headers=dict(exchange.headers),
        body=exchange.body.encode(),
    )


def late(emulator: Emulator, exchange: Exchange, by: timedelta) -> Post | None:
    """Return the delivery as if it had happened *by* earlier; None when it is no delivery."""
    try:
        delivery = json.loads(exchange.body)
        entries: list[dict[str, Any]] = delivery["entry"]
        for entry in entries:
            entry["time"] = milliseconds(emulator.clock())
            for event in (*entry.get("messaging", ()), *entry.get("standby", ())):
                event["timestamp"] -= milliseconds_of(by)
    except (ValueError, KeyError, TypeError):
        return None
    body = signing.delivery_body(delivery["object"], entries)
    headers = dict(signing.signed_headers(body, emulator.settings.app_secret))
    return replace(
        again(exchange), title=f"{exchange.title}, an hour late", headers=headers, body=body
    )


def milliseconds_of(span: timedelta) -> int:
    """Return *span* in the unit of events."""
    return span // timedelta(milliseconds=1)


def _address(exchange: Exchange, origin: str) -> str:
    return exchange.url if "://" in exchange.url else origin + exchange.url


def _headers(exchange: Exchange) -> list[tuple[str, str]]:
    return [pair for pair in exchange.headers if pair[0].lower() not in _OF_THE_LINE]
