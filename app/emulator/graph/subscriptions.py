"""Webhook subscriptions: a field is delivered if both the app and the page subscribe to it.

https://developers.facebook.com/docs/graph-api/webhooks/subscriptions-edge and
https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
"""

from dataclasses import replace
from typing import Any

from app.emulator.graph.call import AppCall, PageCall
from app.emulator.graph.problems import bad_parameter, callback_not_verified, missing_parameter
from app.emulator.graph.values import check_text, check_web_url
from app.emulator.state import AppSubscription

_LONGEST_TOKEN = 1000
_FIELDS = {
    "business_integrity",
    "messages",
    "message_deliveries",
    "message_echoes",
    "message_edits",
    "message_reactions",
    "message_reads",
    "messaging_account_linking",
    "messaging_handovers",
    "messaging_optins",
    "messaging_policy_enforcement",
    "messaging_postbacks",
    "messaging_referrals",
    "response_feedback",
    "standby",
}


def subscribe_app(call: AppCall) -> dict[str, Any]:
    """Set the app's webhook, after its URL has echoed a challenge."""
    if call.params.text("object") != "page":
        raise bad_parameter("Param object must be page: the emulator knows no other.")
    callback_url = check_web_url(call.params.text("callback_url"), "callback_url")
    verify_token = check_text(call.params.text("verify_token"), "verify_token", _LONGEST_TOKEN)
    fields = _known_fields(call.params.words("fields"), "fields")
    failure = call.emulator.dispatcher.verify(callback_url, verify_token)
    if failure is not None:
        raise callback_not_verified(failure)
    call.emulator.state.app_subscription = AppSubscription(callback_url, fields)
    return {"success": True}


def read_app_subscriptions(call: AppCall) -> dict[str, Any]:
    subscription = call.emulator.state.app_subscription
    if subscription is None:
        return {"data": []}
    lacks_fields = "app-field-missing" in call.emulator.faults.on()
    page = {
        "object": "page",
        "callback_url": subscription.callback_url,
        "active": subscription.is_active,
        "fields": [] if lacks_fields else list(subscription.fields),
    }
    return {"data": [page]}


def unsubscribe_app(call: AppCall) -> dict[str, Any]:
    """Drop the given fields, or the whole webhook when none is given."""
    state, dropped = call.emulator.state, call.params.words("fields")
    if dropped and state.app_subscription is not None:
        kept = tuple(field for field in state.app_subscription.fields if field not in dropped)
        state.app_subscription = replace(state.app_subscription, fields=kept)
    else:
        state.app_subscription = None
    return {"success": True}


def subscribe_page(call: PageCall) -> dict[str, Any]:
    fields = _known_fields(call.params.words("subscribed_fields"), "subscribed_fields")
    call.emulator.state.set_page_fields(call.page.id, fields)
    return {"success": True}


def read_page_subscriptions(call: PageCall) -> dict[str, Any]:
    lacks_fields = "page-field-missing" in call.emulator.faults.on()
    fields = () if lacks_fields else call.emulator.state.page_fields(call.page.id)
    app = {"id": call.emulator.settings.app_id, "subscribed_fields": list(fields)}
    return {"data": [app] if fields else []}


def unsubscribe_page(call: PageCall) -> dict[str, Any]:
    call.emulator.state.set_page_fields(call.page.id, ())
    return {"success": True}


def _known_fields(fields: tuple[str, ...], param: str) -> tuple[str, ...]:
    if not fields:
        raise missing_parameter(param)
    for field in fields:
        if field not in _FIELDS:
            raise bad_parameter(f"Param {param} must be one of {{{', '.join(sorted(_FIELDS))}}}")
    return fields
