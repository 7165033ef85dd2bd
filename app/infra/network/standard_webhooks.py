"""Signatures by which the receiver of a request can verify its sender, its body and its time.

The scheme is Standard Webhooks: standardwebhooks.com, "Verifying signatures" and "Signature
scheme", read 2026-11.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime


def headers_for(
    message_id: str, body: bytes, *, secrets: Sequence[bytes], at: datetime
) -> Mapping[str, str]:
    """Return the three headers for *body*, which is sent at *at*; each of *secrets* signs it."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    macs = (base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{mac}" for mac in macs),
    }
