"""The call debug_token.

https://developers.facebook.com/docs/graph-api/reference/debug_token
"""

import hmac
from datetime import timedelta
from typing import Any

from app.emulator.graph.call import AppCall, PageCall
from app.emulator.graph.problems import bad_parameter, missing_parameter

_SCOPES = ["pages_manage_metadata", "pages_messaging", "pages_show_list"]
_INVALID = 190
# Of the token's owner, since they last used the app.
# https://developers.facebook.com/docs/facebook-login/auth-vs-data
_DATA_ACCESS = timedelta(days=90)


def debug_token(call: AppCall | PageCall) -> dict[str, Any]:
    """Return the app, page and permissions of the input token; the caller must be the app."""
    if isinstance(call, PageCall):
        raise bad_parameter(
            "You must provide an app access token, or a user access token that is an owner or "
            "developer of the app"
        )
    token = call.params.text("input_token")
    if token is None:
        raise missing_parameter("input_token")
    settings, now = call.emulator.settings, call.emulator.clock()
    about: dict[str, Any] = {"app_id": settings.app_id, "application": "Simulated Messenger"}
    page = call.emulator.state.page_with_token(token)
    app_token = f"{settings.app_id}|{settings.app_secret}"
    if hmac.compare_digest(token.encode(errors="replace"), app_token.encode()):
        return {"data": {**about, "type": "APP", "is_valid": True, "scopes": []}}
    if page is None or call.emulator.faults.fires("graph-190"):
        error = {"code": _INVALID, "message": "Invalid OAuth access token."}
        return {"data": {"error": error, "is_valid": False, "scopes": []}}
    return {
        "data": {
            **about,
            "type": "PAGE",
            "expires_at": 0,
            "data_access_expires_at": int((now + _data_access_lasts(call)).timestamp()),
            "is_valid": True,
            "issued_at": int(now.timestamp()),
            "profile_id": page.id,
            "scopes": _SCOPES,
            "granular_scopes": [{"scope": scope} for scope in _SCOPES],
            "user_id": settings.app_id[::-1],
        }
    }


def _data_access_lasts(call: AppCall) -> timedelta:
    """Return how long the app may still read the data of people; below zero when it is over."""
    return -timedelta(days=1) if "data-access-over" in call.emulator.faults.on() else _DATA_ACCESS
