"""Calls with a page token: the page, profiles, the linking URL, PSID retrieval, unlinking.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/identity/account-linking
"""

from typing import Any

from app.emulator.graph import page_pictures
from app.emulator.graph.call import PageCall
from app.emulator.graph.problems import (
    bad_parameter,
    invalid_linking_token,
    missing_parameter,
    page_profile_refused,
    profile_withheld,
    unknown_object,
)
from app.emulator.graph.values import check_login_url, check_text
from app.emulator.pictures import profile_pic
from app.emulator.webhooks import events

# A request for one of these without the permission is refused completely.
# https://github.com/botman/botman/issues/864
_FIELDS_WITH_PERMISSION = frozenset({"gender", "locale", "timezone"})

_GET_STARTED = "get_started"
_LONGEST_PAYLOAD = 1000
# https://developers.facebook.com/docs/graph-api/reference/page
_OF_THE_PROFILE = frozenset({"name", "picture"})


def read_page(call: PageCall) -> dict[str, Any]:
    """Return the page; with a valid account_linking_token also its person (PSID retrieval)."""
    fields = call.params.fields() or ("name",)
    if not _OF_THE_PROFILE.isdisjoint(fields) and call.fault_fires("page-profile-refused"):
        raise page_profile_refused()
    known = {
        "id": call.page.id,
        "name": call.page.name,
        "username": call.page.username,
        "is_published": "page-unpublished" not in call.emulator.faults.on(),
        "picture": page_pictures.picture_of(call.page.id),
    }
    if "recipient" in fields and "account_linking_token" in call.params:
        known["recipient"] = _person_behind(call, call.params.text("account_linking_token") or "")
    return {name: value for name, value in known.items() if name in fields or name == "id"}


def _person_behind(call: PageCall, account_linking_token: str) -> str:
    if call.fault_fires("linking-token-expired") or call.fault_fires(
        "linking-token-of-another-page"
    ):
        raise invalid_linking_token()
    token = call.emulator.state.find_token(account_linking_token)
    # Meta does not document whether a used token still returns the person; it is not refused.
    if token is None or token.page_id != call.page.id or token.is_expired(call.emulator.clock()):
        raise invalid_linking_token()
    return token.psid


def read_person(call: PageCall, psid: str) -> dict[str, Any]:
    """Return the profile of a person who has a thread with the page.

    https://developers.facebook.com/documentation/business-messaging/messenger-platform/identity/user-profile
    """
    thread = call.emulator.state.find_thread(call.page.id, psid)
    if thread is None:
        raise unknown_object("GET", psid)
    if call.fault_fires("profile-withheld") or call.fault_fires("data-access-over"):
        raise profile_withheld()
    if call.fault_fires("profile-nameless"):
        return {"id": psid}
    first, _, last = thread.person.partition(" ")
    known = {
        "first_name": first,
        "last_name": last,
        "name": thread.person,
        "profile_pic": call.emulator.public_origin() + profile_pic(call.emulator, psid),
    }
    fields = call.params.words("fields") or ("first_name", "last_name")
    if not _FIELDS_WITH_PERMISSION.isdisjoint(fields):
        raise profile_withheld()
    for field in fields:
        if field not in {*known, "id"}:
            raise bad_parameter(f"Tried accessing nonexisting field ({field})")
    return {name: known[name] for name in fields if name in known} | {"id": psid}


def set_thread_settings(call: PageCall) -> dict[str, Any]:
    """Set the linking URL by the thread_settings of v2.6.

    https://developers.facebook.com/docs/messenger-platform/thread-settings/account-linking, 2016
    """
    _check_setting_type(call)
    call.emulator.state.set_linking_url(call.page.id, _linking_url(call))
    return {"result": "Account linking url added"}


def delete_thread_settings(call: PageCall) -> dict[str, Any]:
    _check_setting_type(call)
    call.emulator.state.set_linking_url(call.page.id, None)
    # Not documented; other settings answer with a sentence like this.
    return {"result": "Account linking url deleted"}


def _check_setting_type(call: PageCall) -> None:
    setting = call.params.text("setting_type")
    if setting is None:
        raise missing_parameter("setting_type")
    if setting != "account_linking":
        raise bad_parameter("The emulator knows one setting_type: account_linking.")


def set_profile(call: PageCall) -> dict[str, Any]:
    """Set the linking URL or Get Started, or both, in the Messenger profile.

    https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/messenger-profile-api
    """
    given = call.params.changeable()
    if others := sorted(given - {"account_linking_url", _GET_STARTED}):
        raise bad_parameter(f"The emulator does not know {', '.join(others)}.")
    url = None if given == {_GET_STARTED} else _linking_url(call)
    payload = _payload(call) if _GET_STARTED in given else None
    state = call.emulator.state
    if url is not None:
        state.set_linking_url(call.page.id, url)
    if payload is not None:
        state.set_get_started(call.page.id, payload)
    return {"result": "success"}


def read_profile(call: PageCall) -> dict[str, Any]:
    fields = call.params.words("fields")
    if not fields:
        raise missing_parameter("fields")
    payload = call.emulator.state.get_started(call.page.id)
    known: dict[str, Any] = {
        _GET_STARTED: None if payload is None else {"payload": payload},
        "account_linking_url": call.emulator.state.linking_url(call.page.id),
        # Documented as a Boolean; that it is told where it is false, too, is not.
        "subject_to_new_eu_privacy_rules": "europe-page" in call.emulator.faults.on(),
    }
    shown = {name: known[name] for name in known if name in fields and known[name] is not None}
    return {"data": [shown] if shown else []}


def delete_profile(call: PageCall) -> dict[str, Any]:
    fields = call.params.words("fields")
    if not fields:
        raise missing_parameter("fields")
    if "account_linking_url" in fields:
        call.emulator.state.set_linking_url(call.page.id, None)
    if _GET_STARTED in fields:
        call.emulator.state.set_get_started(call.page.id, None)
    return {"result": "success"}


def _payload(call: PageCall) -> str:
    """Return the payload of Get Started.

    https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/messenger-profile-api/get-started-button
    """
    button = call.params.structure(_GET_STARTED)
    content = button.get("payload") if isinstance(button, dict) else None
    return check_text(content, "get_started[payload]", _LONGEST_PAYLOAD)


def _linking_url(call: PageCall) -> str:
    url = call.params.text("account_linking_url")
    if url is None:
        raise missing_parameter("account_linking_url")
    return check_login_url(url, "account_linking_url")


def unlink_accounts(call: PageCall) -> dict[str, Any]:
    """End the link of a person; the webhook event, if any, follows the answer."""
    psid = call.params.text("psid")
    if psid is None:
        raise missing_parameter("psid")
    thread = call.recipient(psid)
    if not thread.linked:
        # Not documented; expected from the list of codes.
        raise bad_parameter("This person has not linked an account")
    state = call.emulator.state
    state.set_linked(call.page.id, psid, linked=False)
    state.add_notice(call.page.id, psid, f"{call.page.name} logged you out.")
    # Meta does not document whether the call sends an event: a server must work with either.
    if not call.fault_fires("unlink-silent"):
        call.events.append(events.unlinked(thread))
    return {"result": "unlink account success"}
