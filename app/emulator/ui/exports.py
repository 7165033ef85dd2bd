"""Exports of an exchange: as a shell command, as a test, or as a request to send again."""

import json
import re
import shlex
from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.emulator.clock import milliseconds
from app.emulator.context import Emulator
from app.emulator.webhooks import signing
from app.emulator.webhooks.http_sender import OutgoingRequest
from app.emulator.webhooks.journal import Exchange

# Headers of one connection: every client sets its own.
_CONNECTION_HEADERS = {
    "host",
    "connection",
    "content-length",
    "accept-encoding",
    "transfer-encoding",
}
_WORD = re.compile(r"[a-z0-9]+")


def as_curl(exchange: Exchange, origin: str) -> str:
    """Return a curl command that sends the request again; *origin* is that of Graph."""
    words = ["curl", "-i", "-X", exchange.method, _url(exchange, origin)]
    lines = [shlex.join(words)]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in _headers(exchange)]
    if exchange.body:
        lines.append(f"--data-raw {shlex.quote(exchange.body)}")
    return " \\\n  ".join(lines) + "\n"


def as_pytest(exchange: Exchange, origin: str) -> str:
    """Return a pytest test that sends the same bytes and expects what Messenger expects."""
    name = "_".join(_WORD.findall(exchange.title.lower())) or "exchange"
    status = exchange.status if exchange.kind == "graph" and exchange.status else 200
    headers = "".join(f"    {each!r}: {value!r},\n" for each, value in _headers(exchange))
    return (
        f"import requests\n\nURL = {_url(exchange, origin)!r}\n"
        f"HEADERS = {{\n{headers}}}\nBODY = {exchange.body.encode()!r}\n\n\n"
        f"def test_{name}():\n"
        f"    answer = requests.request(\n"
        f"        {exchange.method!r}, URL, data=BODY, headers=HEADERS, timeout=20\n    )\n\n"
        f"    assert answer.status_code == {status}\n"
    )


def same_request(exchange: Exchange) -> OutgoingRequest:
    """Return the same bytes with the same signature, as in a retry."""
    return OutgoingRequest(
        kind=exchange.kind,
        title=f"{exchange.title}, again",
        method=exchange.method,
        url=exchange.url,
        headers=dict(exchange.headers),
        body=exchange.body.encode(),
    )


def late_delivery(emulator: Emulator, exchange: Exchange, by: timedelta) -> OutgoingRequest | None:
    """Return a delivery whose events happened *by* earlier; None if it is not a delivery."""
    try:
        delivery = json.loads(exchange.body)
        entries: list[dict[str, Any]] = delivery["entry"]
        for entry in entries:
            entry["time"] = milliseconds(emulator.clock())
            for event in (*entry.get("messaging", ()), *entry.get("standby", ())):
                event["timestamp"] -= by // timedelta(milliseconds=1)
    except (ValueError, KeyError, TypeError):
        return None
    body = signing.delivery_body(delivery["object"], entries)
    headers = dict(signing.signed_headers(body, emulator.settings.app_secret))
    return replace(
        same_request(exchange), title=f"{exchange.title}, an hour late", headers=headers, body=body
    )


def _url(exchange: Exchange, origin: str) -> str:
    return exchange.url if "://" in exchange.url else origin + exchange.url


def _headers(exchange: Exchange) -> list[tuple[str, str]]:
    return [pair for pair in exchange.headers if pair[0].lower() not in _CONNECTION_HEADERS]
