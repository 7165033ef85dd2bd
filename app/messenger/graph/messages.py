"""Messages with buttons, as the Send API takes them ("Button Template", read 2026-11)."""

from collections.abc import Mapping
from typing import Any


def template(text: str, *buttons: Mapping[str, str]) -> dict[str, Any]:
    """Return a message of *text* with *buttons*, three at most."""
    # Graph refuses an account button with a title, even with an empty one.
    payload = {"template_type": "button", "text": text, "buttons": [*buttons]}
    return {"attachment": {"type": "template", "payload": payload}}


def postbacks(text: str, payloads: Mapping[str, str]) -> dict[str, Any]:
    """Return a message of *text* with a button for each title in *payloads*."""
    buttons = (
        {"type": "postback", "title": title, "payload": payload}
        for title, payload in payloads.items()
    )
    return template(text, *buttons)
