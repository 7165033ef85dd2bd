"""Standard Webhooks: who receives a notice can tell that we sent it, and when.

The scheme: standardwebhooks.com, "Verifying signatures" and "Signature scheme", read 2026-11.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime


def headers_for(
    message_id: str, body: bytes, *, secrets: Sequence[bytes], at: datetime
) -> Mapping[str, str]:
    """Return the three headers of *body*, sent at *at*, signed with each of *secrets*."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    macs = (base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{mac}" for mac in macs),
    }
