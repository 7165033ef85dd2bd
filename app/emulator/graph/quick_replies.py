"""Quick replies: buttons below a message, which are gone with the next one.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/quick-replies
"""

from app.emulator.graph.problems import bad_parameter, too_many
from app.emulator.graph.values import check_text
from app.emulator.state import Button

_MOST = 13
_LONGEST_TITLE = 20
_LONGEST_PAYLOAD = 1000
# Those that Messenger fills in itself have a title of its own.
_FILLED_IN = {"user_email": "Email address", "user_phone_number": "Phone number"}


def read_quick_replies(content: object) -> tuple[Button, ...]:
    """Return the quick replies in *content*; none if it is absent.

    Raises:
        GraphProblem: It breaks a documented rule.
    """
    param = "message[quick_replies]"
    if content is None:
        return ()
    if not isinstance(content, list):
        raise bad_parameter(f"Param {param} must be an array.")
    if len(content) > _MOST:
        raise too_many(param)
    return tuple(_quick_reply(each, f"{param}[{i}]") for i, each in enumerate(content))


def _quick_reply(content: object, param: str) -> Button:
    kind = content.get("content_type") if isinstance(content, dict) else None
    if isinstance(content, dict) and isinstance(kind, str) and kind in _FILLED_IN:
        return Button("quick_reply", _FILLED_IN[kind], payload=_FILLED_IN[kind])
    if not isinstance(content, dict) or kind != "text":
        kinds = ", ".join(("text", *_FILLED_IN))
        raise bad_parameter(f"Param {param}[content_type] must be one of {{{kinds}}}")
    title = check_text(content.get("title"), f"{param}[title]", _LONGEST_TITLE)
    payload = check_text(content.get("payload"), f"{param}[payload]", _LONGEST_PAYLOAD)
    return Button("quick_reply", title, payload=payload)
