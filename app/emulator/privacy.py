"""The privacy callbacks: data deletion and deauthorization, each a signed_request.

https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback/
"""

import json
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlencode

from app.emulator.context import Emulator
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.settings import app_scoped_id_for, is_web_url
from app.emulator.webhooks import signing
from app.emulator.webhooks.http_sender import Answer, OutgoingRequest, check_status

Callback = Literal["data-deletion", "deauthorize"]
CALLBACKS: Final[tuple[Callback, ...]] = ("data-deletion", "deauthorize")
_LIFETIME = timedelta(hours=1)


def send_callback(emulator: Emulator, callback: Callback, person: str) -> Failure | None:
    """Send *callback* for *person*; None means that the server answered as documented."""
    settings = emulator.settings
    is_deletion = callback == "data-deletion"
    url = settings.data_deletion_url if is_deletion else settings.deauthorize_url
    request = OutgoingRequest(
        kind="privacy",
        title=f"{callback}, {person}",
        method="POST",
        url=url or "",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"},
        body=_form(emulator, person),
    )
    if url is None:
        emulator.sender.record_unsent(request, failures.NO_PRIVACY_URL)
        return failures.NO_PRIVACY_URL
    check = _check_confirmation if is_deletion else check_status
    return emulator.sender.send(request, seconds=settings.webhook_timeout_seconds, check=check)


def status_page(answer: str) -> str | None:
    """Return the address of the status page in the *answer* to a data deletion, if it has one."""
    try:
        content = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    url = content.get("url") if isinstance(content, dict) else None
    # It becomes a link, and whoever answers has written it.
    return url if isinstance(url, str) and is_web_url(url) else None


def _form(emulator: Emulator, person: str) -> bytes:
    settings, at = emulator.settings, emulator.clock()
    content = {
        "user_id": app_scoped_id_for(settings, person),
        "algorithm": "HMAC-SHA256",
        "issued_at": int(at.timestamp()),
        "expires": int((at + _LIFETIME).timestamp()),
    }
    signed = signing.signed_request(content, settings.app_secret)
    return urlencode({"signed_request": signed}).encode()


def _check_confirmation(answer: Answer) -> Failure | None:
    failure = check_status(answer)
    if failure is not None:
        return failure
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return failures.NO_CONFIRMATION
    is_complete = isinstance(content, dict) and all(
        isinstance(content.get(name), str) and content[name]
        for name in ("url", "confirmation_code")
    )
    return None if is_complete else failures.NO_CONFIRMATION
