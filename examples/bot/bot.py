"""A Messenger bot beside Threadlink: sends strangers a Log In button, and greets customers by name.

    pip install flask requests
    export APP_SECRET=… PAGE_ACCESS_TOKEN=… THREADLINK_URL=… THREADLINK_KEY=… BOT_WEBHOOK_SECRET=…
    flask --app bot run --port 3000

THREADLINK_KEY is a key with the scopes links:read, links:write and messages:send
"""

import base64
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from flask import Flask, abort, request

SECONDS, REMEMBERED, FRESH_SECONDS, MOST_BYTES = 10, 10_000, 300, 4 * 1024 * 1024


def create_app(settings: Mapping[str, str] = os.environ) -> Flask:
    """Return the bot; *settings* are those named above, and GRAPH_URL in tests."""
    app = Flask("bot")
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    bot = Bot(settings)

    @app.post("/messenger")
    def messenger() -> tuple[str, int]:
        """Handle a delivery of Messenger's; BOT_MESSENGER_URL is the URL of this view."""
        bot.check_messenger(request.get_data(), request.headers.get("X-Hub-Signature-256", ""))
        bot.handle(request.get_json())
        return "", 200

    @app.post("/notices")
    def notices() -> tuple[str, int]:
        """Handle a notice of Threadlink's; BOT_WEBHOOK_URL is the URL of this view."""
        bot.check_threadlink(request.get_data(), request.headers)
        notice, link = request.json["type"], request.json["data"]
        with bot.once(request.headers["webhook-id"]) as is_first:
            if is_first and notice in {"link.created", "link.replaced"}:
                bot.say(link["page_id"], link["psid"], f"Welcome, {name_of(link)}!")
                if link.get("resume"):
                    # Go on where the conversation was.
                    bot.answer(link["page_id"], link["psid"], link["resume"])
            elif is_first and notice == "link.removed":
                bot.say(link["page_id"], link["psid"], "You are logged out. I have forgotten you.")
        return "", 204

    return app


class Bot:
    """The bot's settings, its calls of Messenger and Threadlink, and the ids of handled events."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.app_secret = settings["APP_SECRET"].encode()
        self.webhook_secret = base64.b64decode(settings["BOT_WEBHOOK_SECRET"][len("whsec_") :])
        graph = settings.get("GRAPH_URL", "https://graph.facebook.com")
        self.messages, self.settings = f"{graph}/v26.0/me/messages", settings
        self.api = f"{settings['THREADLINK_URL']}/api/v1"
        self.key = {"Authorization": f"Bearer {settings['THREADLINK_KEY']}"}
        self.seen: OrderedDict[str, None] = OrderedDict()

    def handle(self, delivery: Mapping[str, Any]) -> None:
        """Answer the messages of a delivery, each once."""
        for entry in delivery["entry"]:
            for event in entry.get("messaging", []):
                message = event.get("message", {})
                if "text" in message and not message.get("is_echo"):
                    with self.once(message["mid"]) as is_first:
                        if is_first:
                            self.answer(entry["id"], event["sender"]["id"], message["text"])

    def answer(self, page_id: str, psid: str, text: str) -> None:
        """Answer *text*: greet a person who is linked, send others a Log In button."""
        person = f"{self.api}/links/{page_id}/{psid}"
        if text.strip().lower() == "log out":
            # The notice that follows says goodbye, as after a log-out in Messenger itself.
            requests.delete(person, headers=self.key, timeout=SECONDS).raise_for_status()
            return
        response = requests.get(person, headers=self.key, timeout=SECONDS)
        if response.status_code == 404:
            button = {"kind": "login", "psid": psid, "text": "Hi! Log in, and I know you."}
            button |= {"resume": text[:512]} if text else {}
            url = f"{self.api}/pages/{page_id}/buttons"
            requests.post(url, json=button, headers=self.key, timeout=SECONDS).raise_for_status()
            return
        response.raise_for_status()
        link = response.json()
        self.say(page_id, psid, f"Hi {name_of(link)}! You are {link['display_name']}.")

    def say(self, page_id: str, psid: str, text: str) -> None:
        """Send *text*; if there are several pages, each has a setting PAGE_ACCESS_TOKEN_<id>."""
        token = (
            self.settings.get(f"PAGE_ACCESS_TOKEN_{page_id}") or self.settings["PAGE_ACCESS_TOKEN"]
        )
        body = {"recipient": {"id": psid}, "messaging_type": "RESPONSE", "message": {"text": text}}
        page = {"Authorization": f"Bearer {token}"}
        requests.post(self.messages, json=body, headers=page, timeout=SECONDS).raise_for_status()

    @contextmanager
    def once(self, event_id: str) -> Iterator[bool]:
        """Yield True if *event_id* is new: deliveries may repeat, and do after a failure."""
        yield event_id not in self.seen
        self.seen[event_id] = None
        if len(self.seen) > REMEMBERED:
            self.seen.popitem(last=False)

    def check_messenger(self, body: bytes, signature: str) -> None:
        """Refuse a delivery that is not signed with our app secret."""
        mine = "sha256=" + hmac.new(self.app_secret, body, "sha256").hexdigest()
        if not hmac.compare_digest(mine.encode(), signature.encode()):
            abort(403)

    def check_threadlink(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Refuse a notice without a fresh signature, as a Standard Webhooks library does."""
        timestamp = headers.get("webhook-timestamp", "")
        signed = f"{headers.get('webhook-id')}.{timestamp}.".encode() + body
        mine = b"v1," + base64.b64encode(hmac.digest(self.webhook_secret, signed, "sha256"))
        signatures = headers.get("webhook-signature", "").encode().split()
        if not any(hmac.compare_digest(mine, signature) for signature in signatures):
            abort(403)
        if abs(time.time() - int(timestamp)) > FRESH_SECONDS:
            abort(403)


def name_of(link: Mapping[str, str]) -> str:
    """Return the person's name; Messenger may withhold it."""
    return link["messenger_name"] or link["display_name"]
