import hmac
import re
from collections.abc import Sequence

from app.messenger.errors import BadSignature

_HEADER = re.compile(r"sha256=([0-9A-Fa-f]{64})")


def check_signature(body: bytes, signature: str | None, *, app_secrets: Sequence[str]) -> int:
    """Return which of *app_secrets* signed *body*: 0 is the current one, 1 the previous.

    *signature* is the value of ``X-Hub-Signature-256``; *body* the bytes as they came, since Meta
    signs the escaped form that it sends.

    Raises:
        BadSignature: None of them did, there is no such header, or there is no secret.
    """
    header = _HEADER.fullmatch(signature or "")
    if header is None:
        raise BadSignature("no X-Hub-Signature-256 of the documented form")
    theirs = bytes.fromhex(header[1])
    # All are compared, so that the time taken does not tell which one is in use. Anybody can sign
    # with an empty secret.
    signed = [
        hmac.compare_digest(theirs, hmac.digest(secret.encode(), body, "sha256")) and bool(secret)
        for secret in app_secrets
    ]
    if True not in signed:
        raise BadSignature("not signed with our app secret")
    return signed.index(True)
