"""signed_request: how Meta's privacy callbacks say whom they are about, signed with the app secret.

developers.facebook.com, "Data Deletion Request Callback", read 2026-11: base64url of the raw
HMAC-SHA256, a dot, base64url of a JSON object, both without padding; what is signed is the second
part as it stands. Nothing of it is decoded before the signature is known to be right.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from app.messenger.errors import BadSignature

# Of the names that this form of token has ever had, Meta documents one for it.
ALGORITHM: Final = "HMAC-SHA256"
# Nobody documents how late Meta may post one. A repeat does nothing again in any case; this is for
# how long one must be known as a repeat.
MOST_AGE: Final = timedelta(hours=24)
MOST_AHEAD: Final = timedelta(minutes=5)
_SHAPE: Final = re.compile(r"(?P<mac>[A-Za-z0-9_-]{43})\.(?P<payload>[A-Za-z0-9_-]{4,4096})")
_USER_ID: Final = re.compile(r"[0-9]{1,64}")
# The login dialog and Messenger Extensions sign in the same way with the same secret, and give the
# result to the person's browser, from which others may have it. It has one of these; a callback has
# none (developers.facebook.com, "Facebook Login, Manual flow", "Webview context", read 2026-11).
_OF_A_BROWSER: Final = frozenset({"code", "oauth_token", "psid", "tid"})

Fault = Literal[
    "malformed", "not signed by us", "not JSON", "algorithm", "stale", "ahead", "no user", "a login"
]


class BadSignedRequest(BadSignature):
    """A signed_request that is not acted on. The *reason* is for the log alone."""

    def __init__(self, reason: Fault) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A signed_request that was checked; *user_id* is app-scoped, and no PSID.

    *payload* is the part that is signed, in the one form that it has: it identifies the request.
    """

    user_id: str
    issued_at: datetime
    payload: str


def read_signed_request(text: str, *, app_secrets: Sequence[str], at: datetime) -> SignedRequest:
    """Return the content of the signed_request *text*, which one of *app_secrets* has signed.

    Raises:
        BadSignedRequest: It is not signed by them, not of the documented form, or not of now.
    """
    match = _SHAPE.fullmatch(text)
    mac = _decoded(match["mac"]) if match else None
    if match is None or mac is None:
        raise BadSignedRequest("malformed")
    payload = match["payload"]
    # Compares all, as `signature.check_signature` does. An empty secret signs for anybody.
    matches = [
        hmac.compare_digest(mac, hmac.digest(secret.encode(), payload.encode(), "sha256"))
        and bool(secret)
        for secret in app_secrets
    ]
    if True not in matches:
        raise BadSignedRequest("not signed by us")
    return _read(payload, at)


def _read(payload: str, at: datetime) -> SignedRequest:
    content = _json_object(payload)
    algorithm = content.get("algorithm")
    if not isinstance(algorithm, str) or algorithm.upper() != ALGORITHM:
        raise BadSignedRequest("algorithm")
    if _OF_A_BROWSER & content.keys():
        raise BadSignedRequest("a login")
    issued_at = _moment(content.get("issued_at"))
    if issued_at < at - MOST_AGE:
        raise BadSignedRequest("stale")
    if issued_at > at + MOST_AHEAD:
        raise BadSignedRequest("ahead")
    user_id = content.get("user_id")
    if not isinstance(user_id, str) or not _USER_ID.fullmatch(user_id):
        raise BadSignedRequest("no user")
    return SignedRequest(user_id, issued_at, payload)


def _json_object(payload: str) -> dict[str, Any]:
    raw = _decoded(payload)
    try:
        content = json.loads((raw or b"").decode(), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as exc:
        raise BadSignedRequest("not JSON") from exc
    if not isinstance(content, dict):
        raise BadSignedRequest("not JSON")
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        # Of a name that is there twice, two readers may take different values.
        raise ValueError("a name is there twice")
    return content


def _moment(seconds: object) -> datetime:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise BadSignedRequest("stale")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as exc:
        raise BadSignedRequest("stale") from exc


def _decoded(text: str) -> bytes | None:
    """Return the bytes of *text*, None where it is not the one way to write them."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == text else None
