"""The cost of Flask and the server when nothing is stored: signature, typed parse, 200."""

import hmac

import msgspec
from flask import Flask, request


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


app = Flask(__name__)
decode = msgspec.json.Decoder(Body).decode


@app.post("/webhook")
def webhook() -> tuple[str, int]:
    body = request.get_data(cache=False)
    signature = "sha256=" + hmac.digest(b"s3cret", body, "sha256").hex()
    if not hmac.compare_digest(signature, request.headers.get("X-Hub-Signature-256", "")):
        return "", 403
    decode(body)
    return "", 200
