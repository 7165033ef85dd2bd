"""Button and generic templates, with their limits and the buttons they may contain.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/template/button
and …/template/generic
"""

from dataclasses import dataclass
from typing import Any, Literal

from app.emulator.graph.problems import INCOMPLETE_ELEMENT, bad_parameter, invalid_keys, too_many
from app.emulator.graph.values import check_login_url, check_text, check_web_url
from app.emulator.state import Button, Card

_LONGEST_TEXT = 640
_LONGEST_TITLE = 80
_LONGEST_BUTTON_TITLE = 20
_LONGEST_PAYLOAD = 1000
_MOST_BUTTONS = 3
_MOST_CARDS = 10

Kind = Literal["account_link", "account_unlink", "web_url", "postback"]
_KEYS: dict[Kind, set[str]] = {
    "account_link": {"type", "url"},
    "account_unlink": {"type"},
    "web_url": {"type", "url", "title", "webview_height_ratio", "messenger_extensions"},
    "postback": {"type", "title", "payload"},
}
# Messenger labels these two itself, in the person's language.
_OWN_TITLES: dict[Kind, str] = {"account_link": "Log In", "account_unlink": "Log Out"}


@dataclass(frozen=True, slots=True)
class Template:
    """The content of a template: a text with buttons, or cards."""

    text: str = ""
    buttons: tuple[Button, ...] = ()
    cards: tuple[Card, ...] = ()


def read_template(payload: dict[str, Any]) -> Template:
    """Return the content of *payload*.

    Raises:
        GraphProblem: It breaks a documented rule.
    """
    match payload.get("template_type"):
        case "button":
            text = check_text(payload.get("text"), "text", _LONGEST_TEXT)
            buttons = _buttons(payload.get("buttons"), "")
            if not buttons:
                raise bad_parameter("Param buttons must have at least one element")
            return Template(text=text, buttons=buttons)
        case "generic":
            elements = payload.get("elements")
            if not isinstance(elements, list) or not elements:
                raise bad_parameter("Param elements must be a non-empty array")
            if len(elements) > _MOST_CARDS:
                raise too_many("elements")
            return Template(
                cards=tuple(_card(e, f"[elements][{i}]") for i, e in enumerate(elements))
            )
        case _:
            raise bad_parameter("The emulator knows two template_types: button and generic.")


def _card(element: object, param: str) -> Card:
    if not isinstance(element, dict):
        raise bad_parameter(f"Param {param} must be an object")
    title = check_text(element.get("title"), f"{param}[title]", _LONGEST_TITLE)
    if not any(
        element.get(name) for name in ("subtitle", "image_url", "buttons", "default_action")
    ):
        # https://github.com/vjrantal/account-linking-demo-bot/issues/3
        message = "Incomplete element data: title and at least one other field is required"
        raise bad_parameter(message, subcode=INCOMPLETE_ELEMENT)
    subtitle = element.get("subtitle")
    if subtitle is not None:
        subtitle = check_text(subtitle, f"{param}[subtitle]", _LONGEST_TITLE)
    return Card(
        title=title,
        subtitle=subtitle or "",
        has_image=bool(element.get("image_url")),
        buttons=_buttons(element.get("buttons"), param),
    )


def _buttons(buttons: object, param: str) -> tuple[Button, ...]:
    if buttons is None:
        return ()
    if not isinstance(buttons, list):
        raise bad_parameter(f"Param {param}[buttons] must be an array")
    if len(buttons) > _MOST_BUTTONS:
        raise too_many(f"{param}[buttons]")
    return tuple(_button(button, f"{param}[buttons][{i}]") for i, button in enumerate(buttons))


def _button(button: object, param: str) -> Button:
    kind = button.get("type") if isinstance(button, dict) else None
    if not isinstance(button, dict) or not isinstance(kind, str) or kind not in _KEYS:
        raise bad_parameter(f"Param {param}[type] must be one of {{{', '.join(_KEYS)}}}")
    title = button.get("title")
    if kind in _OWN_TITLES and title == "":
        # https://github.com/maciekmm/messenger-platform-go-sdk/pull/14
        raise bad_parameter(f"Param {param}[title] must be a non-empty UTF-8 encoded string")
    if unknown := sorted(set(button) - _KEYS[kind]):
        raise invalid_keys(unknown, param)
    if kind == "account_link":
        check_login_url(button.get("url"), f"{param}[url]")
    if kind in _OWN_TITLES:
        return Button(kind, _OWN_TITLES[kind], url=button.get("url", ""))
    title = check_text(title, f"{param}[title]", _LONGEST_BUTTON_TITLE)
    if kind == "postback":
        payload = check_text(button.get("payload"), f"{param}[payload]", _LONGEST_PAYLOAD)
        return Button(kind, title, payload=payload)
    return Button(kind, title, url=check_web_url(button.get("url"), f"{param}[url]"))
