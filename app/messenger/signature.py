"""The signature of a webhook delivery: X-Hub-Signature-256, an HMAC with the app secret."""

import hmac
import re
from collections.abc import Sequence

from app.messenger.errors import BadSignature

SIGNATURE = "X-Hub-Signature-256"
_SCHEME = "sha256="
# Bytes that are digested sooner than another thread could take over.
_SHORT = 4096
_HEADER = re.compile(rf"{_SCHEME}[0-9A-Fa-f]{{64}}")


def is_well_formed(signature: str) -> bool:
    """Return whether *signature* could be one, whoever made it."""
    return _HEADER.fullmatch(signature) is not None


def check_signature(body: bytes, signature: str | None, *, app_secrets: Sequence[str]) -> int:
    """Return the index of the secret in *app_secrets* that signed *body*.

    *signature* is the value of ``X-Hub-Signature-256``; *body* is the bytes as received, since Meta
    signs the escaped form that it sends.

    Raises:
        BadSignature: No secret matches, the header is missing or malformed, or no secret is set.
    """
    if signature is None or not is_well_formed(signature):
        raise BadSignature("no X-Hub-Signature-256 of the documented form")
    mac = bytes.fromhex(signature.removeprefix(_SCHEME))
    # Compares all, so that the time taken does not reveal which secret is in use. An empty secret
    # never matches, because anyone can sign with it.
    matches = [
        hmac.compare_digest(mac, _digest(secret, body)) and bool(secret) for secret in app_secrets
    ]
    if True not in matches:
        raise BadSignature("not signed with our app secret")
    return matches.index(True)


def _digest(secret: str, body: bytes) -> bytes:
    if len(body) <= _SHORT:
        return hmac.digest(secret.encode(), body, "sha256")
    # Slower by some microseconds, but lets other threads run meanwhile, which matters for 4 MiB.
    return hmac.new(secret.encode(), body, "sha256").digest()
