"""The Send API: texts, templates with buttons, sender actions.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.emulator import ids
from app.emulator.graph.call import PageCall
from app.emulator.graph.problems import (
    MESSAGE_AND_ACTION,
    bad_parameter,
    invalid_keys,
    missing_parameter,
    outside_window,
    refused_in_europe,
)
from app.emulator.graph.quick_replies import read_quick_replies
from app.emulator.graph.templates import read_template
from app.emulator.graph.values import check_text
from app.emulator.state import Message, Thread

_TYPES = {"RESPONSE", "UPDATE", "MESSAGE_TAG"}
# Since 27 April 2026; utility templates are there instead.
# https://developers.facebook.com/documentation/business-messaging/messenger-platform/changelog
_ENDED_TAGS = {"ACCOUNT_UPDATE", "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE"}
_LINKING = {"account_link", "account_unlink"}
_ACTIONS = {"mark_seen", "typing_on", "typing_off"}
_MESSAGE_KEYS = {"text", "attachment", "quick_replies", "metadata"}
_FILES = {"image", "audio", "video", "file"}
_LONGEST_TEXT = 2000
# https://developers.facebook.com/documentation/business-messaging/messenger-platform/policy
_WINDOW = timedelta(hours=24)


def send(call: PageCall) -> dict[str, Any]:
    """Add a message of the Page to the recipient's thread, or show a sender action."""
    recipient = call.params.structure("recipient")
    if not isinstance(recipient, dict):
        raise missing_parameter("recipient")
    psid = str(recipient.get("id", ""))
    thread = call.recipient(psid)
    action, content = call.params.text("sender_action"), call.params.structure("message")
    if action is not None and content is not None:
        raise bad_parameter("Cannot send message and state together", subcode=MESSAGE_AND_ACTION)
    if action is not None:
        _show(call, psid, action.lower())
        return {"recipient_id": psid}
    _check_type(call)
    if not isinstance(content, dict):
        raise missing_parameter("message")
    message = _read_message(call, content)
    _check_window(call, thread)
    if any(button.kind in _LINKING for button in message.all_buttons) and call.fault_fires(
        "europe-page"
    ):
        raise refused_in_europe()
    call.emulator.state.add_message(call.page.id, psid, message)
    return {"recipient_id": psid, "message_id": message.id}


def _show(call: PageCall, psid: str, action: str) -> None:
    if action not in _ACTIONS:
        raise bad_parameter(f"Param sender_action must be one of {{{', '.join(sorted(_ACTIONS))}}}")
    call.emulator.state.show_sender_action(call.page.id, psid, action)


def _check_type(call: PageCall) -> None:
    kind = call.params.text("messaging_type")
    if kind is not None and kind not in _TYPES:
        raise bad_parameter(f"Param messaging_type must be one of {{{', '.join(sorted(_TYPES))}}}")
    if kind == "MESSAGE_TAG" and "tag" not in call.params:
        raise missing_parameter("tag")
    if (tag := call.params.text("tag")) in _ENDED_TAGS:
        # The code is documented; the wording is ours.
        raise bad_parameter(f"Message tag {tag} is no longer supported.")


def _check_window(call: PageCall, thread: Thread) -> None:
    """Refuse what answers something that is more than 24 hours old.

    Somebody who never did anything can be greeted, which Messenger does not allow.
    """
    is_tagged = call.params.text("messaging_type") == "MESSAGE_TAG"
    acted_at = thread.acted_at
    if acted_at is not None and not is_tagged and call.emulator.clock() - acted_at > _WINDOW:
        raise outside_window()


def _read_message(call: PageCall, content: dict[str, Any]) -> Message:
    if unknown := sorted(set(content) - _MESSAGE_KEYS):
        raise invalid_keys(unknown, "message")
    text, attachment = content.get("text"), content.get("attachment")
    if (text is None) == (attachment is None):
        raise bad_parameter("Param message must have either a text or an attachment")
    empty = Message(
        id=ids.message_id(),
        author="page",
        at=call.emulator.clock(),
        quick_replies=read_quick_replies(content.get("quick_replies")),
    )
    if text is None:
        return _read_attachment(attachment, empty)
    return replace(empty, text=check_text(text, "message[text]", _LONGEST_TEXT))


def _read_attachment(attachment: object, empty: Message) -> Message:
    kind = attachment.get("type") if isinstance(attachment, dict) else None
    payload = attachment.get("payload") if isinstance(attachment, dict) else None
    if not isinstance(payload, dict):
        raise missing_parameter("message[attachment][payload]")
    if isinstance(kind, str) and kind in _FILES:
        # The file is not fetched: the emulator calls the business's webhook and callbacks only.
        return replace(empty, text=f"[{kind}]")
    if kind != "template":
        raise bad_parameter("Param message[attachment][type] must be template, or a kind of file")
    template = read_template(payload)
    return replace(empty, text=template.text, buttons=template.buttons, cards=template.cards)
