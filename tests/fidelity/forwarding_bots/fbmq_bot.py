# mypy: ignore-errors
# fbmq and Flask are those of the cache, and fbmq has no types.
"""PyPI fbmq: reads the event; checking the signature is left to the application."""

import hmac
import os

from fbmq import Page
from flask import Flask, abort, request

page, app = Page("token"), Flask(__name__)


@app.post("/webhook")
def receive() -> str:
    body = request.get_data()
    mac = hmac.new(os.environ["APP_SECRET"].encode(), body, "sha256").hexdigest()
    if request.headers["X-Hub-Signature-256"] != f"sha256={mac}":
        abort(403)
    page.handle_webhook(body.decode())
    return "ok"


@page.handle_message
def message(event):  # noqa: ANN001, ANN201 - fbmq has no types
    print(f"READ {event.sender_id} {event.text}", flush=True)


app.run(port=int(os.environ["PORT"]))
