"""Graph calls in plain words: what the caller asks for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from app.emulator.graph.versions import split_version
from app.emulator.webhooks.journal import Exchange

_LONGEST_QUOTE: Final = 60
_ON_EDGES: Final[Mapping[tuple[str, str], str]] = {
    ("POST", "thread_settings"): "sets where Log In leads",
    ("DELETE", "thread_settings"): "takes Log In away",
    ("POST", "subscribed_apps"): "subscribes the app to the Page",
    ("GET", "subscribed_apps"): "asks which events of the Page it gets",
    ("DELETE", "subscribed_apps"): "ends the subscription to the Page",
    ("POST", "subscriptions"): "sets the webhook",
    ("GET", "subscriptions"): "asks where the webhook is",
    ("DELETE", "subscriptions"): "removes the webhook",
}
# By the method of the call, around what is set in the Messenger profile.
_ON_PROFILE: Final[Mapping[str, tuple[str, str]]] = {
    "POST": ("sets where Log In leads", "sets the Get Started button"),
    "GET": ("asks where Log In leads", "asks for the Get Started button"),
    "DELETE": ("takes Log In away", "takes Get Started away"),
}
_ACTIONS: Final[Mapping[str, str]] = {
    "mark_seen": "shows {} that the chat was read",
    "typing_on": "shows {} that it is typing",
    "typing_off": "shows {} that it stopped typing",
}
# The names of fields that begin like this, in words.
_FIELDS: Final[Mapping[str, str]] = {
    "name": "name",
    "first_name": "name",
    "profile_pic": "picture",
    "picture": "picture",
    "category": "subject",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A Graph call as it was sent: the node and edge of its path, and its parameters."""

    node: str
    edge: str
    params: Mapping[str, Any]

    @property
    def psid(self) -> str:
        """The person whom the call is about, or an empty text."""
        recipient = self.params.get("recipient")
        in_body = recipient.get("id") if isinstance(recipient, dict) else None
        known = (in_body, *(self.params.get(name) for name in ("psid", "user_id")), self.node)
        return next((str(each) for each in known if each), "")


def call_of(exchange: Exchange) -> Call:
    """Return what *exchange*, a Graph call, asks for."""
    address, _, query = exchange.url.partition("?")
    _, path = split_version(address.lstrip("/"))
    node, _, edge = path.rstrip("/").partition("/")
    params: dict[str, Any] = dict(parse_qsl(query))
    if exchange.body.lstrip().startswith("{"):
        params |= json_object(exchange.body)
    else:
        params |= dict(parse_qsl(exchange.body))
    for name in ("recipient", "message"):
        if isinstance(params.get(name), str):
            params[name] = json_object(params[name])
    return Call(node, edge, params)


def words_of_call(exchange: Exchange, people: Mapping[str, str]) -> str:
    """Return what the caller of *exchange* does; *people* has the first name of each PSID."""
    call = call_of(exchange)
    name = people.get(call.psid, "somebody")
    match exchange.method, call.edge:
        case "GET", "" if call.node.isdecimal() or call.node in {"me", "debug_token"}:
            return _of_object(call, name, is_person=call.node in people)
        case "GET", "profilepic":
            return f"fetches {name}’s picture"
        case "GET", "conversations":
            return f"looks for {name}’s name in the conversation"
        case "POST", "messages":
            return _of_message(call, name)
        case "POST", "unlink_accounts":
            return f"ends {name}’s link"
        case on_edge:
            words = _of_profile(call, *on_edge) or _ON_EDGES.get(on_edge)
            return words or f"calls {exchange.title}"


def quoted(text: str) -> str:
    """Return the beginning of *text* in quotes, on one line."""
    # JSON can hold a lone surrogate, which UTF-8 cannot encode.
    line = " ".join(text.encode(errors="replace").decode().split())
    cut = line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE].rstrip() + "…"
    return f"“{cut}”"


def json_object(text: str) -> dict[str, Any]:
    """Return the JSON object in *text*, empty if there is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_profile(call: Call, method: str, edge: str) -> str:
    """Return what a call does with the Messenger profile; empty for any other call."""
    if edge != "messenger_profile" or method not in _ON_PROFILE:
        return ""
    log_in, get_started = _ON_PROFILE[method]
    asked = f"{call.params.get('fields', '')} {' '.join(call.params)}"
    is_about_it = "account_linking_url" not in asked and "get_started" in asked
    return get_started if is_about_it else log_in


def _of_object(call: Call, name: str, *, is_person: bool) -> str:
    if "account_linking_token" in call.params:
        return "asks whose token it is"
    if call.node == "debug_token":
        return "asks what its token may do"
    return f"asks for {name if is_person else 'the Page'}’s {_fields(call)}"


def _fields(call: Call) -> str:
    fields = str(call.params.get("fields", "name")).split(",")
    known = (_FIELDS.get(field.partition(".")[0].partition("{")[0].strip()) for field in fields)
    *first, last = dict.fromkeys(word for word in known if word) or ("id",)
    return f"{', '.join(first)} and {last}" if first else last


def _of_message(call: Call, name: str) -> str:
    action = str(call.params.get("sender_action")).lower()
    if action in _ACTIONS:
        return _ACTIONS[action].replace("{}", name)
    message = call.params.get("message")
    if not isinstance(message, dict) or not (text := _text_of(message)):
        return f"sends a message to {name}"
    choices = " or ".join(quoted(title) for title in _choices_of(message))
    offered = f", to answer by {choices}" if choices else ""
    return f"sends {quoted(text)} to {name}{offered}"


def _text_of(message: Mapping[str, Any]) -> str:
    """Return the text that a person reads first: of the message, its template or its first card."""
    attachment = message.get("attachment")
    payload = attachment.get("payload") if isinstance(attachment, dict) else None
    template = payload if isinstance(payload, dict) else {}
    cards = template.get("elements")
    card = cards[0] if isinstance(cards, list) and cards else {}
    title = card.get("title") if isinstance(card, dict) else None
    found = (text for text in (message.get("text"), template.get("text"), title) if text)
    text = next(found, "")
    return text if isinstance(text, str) else ""


def _choices_of(message: Mapping[str, Any]) -> list[str]:
    """Return the titles of the buttons and quick replies that answer *message* in the chat."""
    attachment = message.get("attachment")
    payload = attachment.get("payload") if isinstance(attachment, dict) else None
    buttons = payload.get("buttons") if isinstance(payload, dict) else None
    return [
        each["title"]
        for choices in (buttons, message.get("quick_replies"))
        for each in (choices if isinstance(choices, list) else ())
        if isinstance(each, dict) and "payload" in each and isinstance(each.get("title"), str)
    ]
