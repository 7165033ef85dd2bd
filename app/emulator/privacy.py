"""The privacy callbacks: a person wants their data deleted, or takes the app's rights away (6)."""

import json
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlencode

from app.emulator.context import Emulator
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.settings import app_scoped_id_for
from app.emulator.webhooks import signing
from app.emulator.webhooks.http_sender import Answer, Post, accepted

Callback = Literal["data-deletion", "deauthorize"]
CALLBACKS: Final[tuple[Callback, ...]] = ("data-deletion", "deauthorize")
_LIFETIME = timedelta(hours=1)


def call_back(emulator: Emulator, what: Callback, person: str) -> Failure | None:
    """Tell the business that *person* wants this; None means that it answered as it should."""
    settings = emulator.settings
    url = settings.data_deletion_url if what == "data-deletion" else settings.deauthorize_url
    post = Post(kind="privacy", title=f"{what}, {person}", method="POST", url=url or "", headers={})
    if url is None:
        emulator.sender.record_unsent(post, failures.NO_PRIVACY_URL)
        return failures.NO_PRIVACY_URL
    at = emulator.clock()
    content = {
        "user_id": app_scoped_id_for(settings, person),
        "algorithm": "HMAC-SHA256",
        "issued_at": int(at.timestamp()),
        "expires": int((at + _LIFETIME).timestamp()),
    }
    form = urlencode({"signed_request": signing.signed_request(content, settings.app_secret)})
    post = Post(
        kind="privacy",
        title=post.title,
        method="POST",
        url=url,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"},
        body=form.encode(),
    )
    judge = _confirmed if what == "data-deletion" else accepted
    return emulator.sender.send(post, seconds=settings.webhook_timeout_seconds, judge=judge)


def _confirmed(answer: Answer) -> Failure | None:
    failure = accepted(answer)
    if failure is not None:
        return failure
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return failures.NO_CONFIRMATION
    is_right = isinstance(told, dict) and all(
        isinstance(told.get(name), str) and told[name] for name in ("url", "confirmation_code")
    )
    return None if is_right else failures.NO_CONFIRMATION
