"""The signatures of what a bot receives: Messenger's deliveries, and Threadlink's notices.

Both compare in constant time, and read no more than they must of what a stranger may send.
"""

import base64
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

LONGEST_BODY: Final = 4 * 1024 * 1024
FRESH_SECONDS: Final = 300
_MOST_SIGNATURES: Final = 10
_LONGEST_HEADER: Final = 1000
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


class SignatureError(Exception):
    """A notice that Threadlink did not sign, or not lately: answer it with 403."""


def is_messengers(body: bytes, signature: str | None, app_secret: str | Sequence[str]) -> bool:
    """Tell whether *signature*, the header X-Hub-Signature-256, is Messenger's over *body*.

    *body* is as received, before any parser. Of several secrets, as in a rotation, one is enough.
    https://developers.facebook.com/docs/graph-api/webhooks/getting-started
    """
    given = (signature or "")[:_LONGEST_HEADER].encode(errors="replace")
    if len(body) > LONGEST_BODY:
        return False
    secrets = [app_secret] if isinstance(app_secret, str) else app_secret
    expected = [
        f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}".encode()
        for secret in secrets
        if secret
    ]
    return any([hmac.compare_digest(each, given) for each in expected])  # noqa: C419 - all compared


def read_notice(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    now: float | None = None,
) -> dict[str, Any]:
    """Return the notice in *body*, if its *headers* show that Threadlink sent it just now.

    *secret* is BOT_WEBHOOK_SECRET, `whsec_…`. The names of the headers may have any case.
    https://www.standardwebhooks.com, "Verifying signatures"

    Raises:
        SignatureError: They do not.
    """
    named = {name.lower(): value for name, value in headers.items()}
    id_, at, signatures = (
        named.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    too_long = max(len(id_), len(signatures)) > _LONGEST_HEADER or len(body) > LONGEST_BODY
    if too_long or not id_ or not _TIMESTAMP.fullmatch(at):
        raise SignatureError("a header is missing or malformed, or something is too long")
    if abs((time.time() if now is None else now) - int(at)) > FRESH_SECONDS:
        raise SignatureError("the notice was signed more than five minutes ago or ahead")
    signed = f"{id_}.{at}.".encode(errors="replace") + body
    given = [word.encode(errors="replace") for word in signatures.split(" ")[:_MOST_SIGNATURES]]
    expected = [
        b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256")) for key in _keys(secret)
    ]
    if not any([hmac.compare_digest(each, one) for each in expected for one in given]):  # noqa: C419 - all compared
        raise SignatureError("no signature is that of this body under the secret")
    try:
        notice = json.loads(body)
    except ValueError as exc:
        raise SignatureError("the body is not JSON") from exc
    if not isinstance(notice, dict):
        raise SignatureError("the body is not a JSON object")
    return notice


def _keys(secret: str | Sequence[str]) -> list[bytes]:
    words = secret.split() if isinstance(secret, str) else secret
    try:
        keys = [base64.b64decode(word.removeprefix("whsec_"), validate=True) for word in words]
    except ValueError as exc:
        raise ValueError("the secret is not whsec_ and base64") from exc
    if not keys or not all(keys):
        raise ValueError("the secret is empty")
    return keys
