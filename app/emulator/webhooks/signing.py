"""The exact bytes of a webhook: how Messenger escapes and signs the body it posts."""

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

# Messenger escapes these besides non-ASCII, which json.dumps escapes in the same way.
# https://github.com/watson-developer-cloud/conversation-connector/pull/56
_ESCAPES = str.maketrans({"/": "\\/", "<": "\\u003C", "%": "\\u0025", "@": "\\u0040"})


def delivery_body(object_name: str, entries: list[dict[str, Any]]) -> bytes:
    """Return the body of a delivery: compact JSON, object before entry, escaped."""
    delivery = {"object": object_name, "entry": entries}
    text = json.dumps(delivery, separators=(",", ":"))
    # Outside of strings compact JSON has none of these characters, so the whole text may be mapped.
    return text.translate(_ESCAPES).encode("ascii")


def signed_headers(body: bytes, app_secret: str) -> Mapping[str, str]:
    """Return the headers of a delivery, as captured from Meta in 2024, with both signatures.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started
    """
    return {
        "Content-Type": "application/json",
        "User-Agent": "Webhooks/1.0 (https://fb.me/webhooks)",
        "Accept": "*/*",
        "Accept-Encoding": "gzip",
        "X-Hub-Signature": f"sha1={_hmac(app_secret, body, 'sha1')}",
        "X-Hub-Signature-256": f"sha256={_hmac(app_secret, body, 'sha256')}",
    }


def appsecret_proof(access_token: str, app_secret: str) -> str:
    """Return the proof that the holder of *access_token* knows the app secret too.

    https://developers.facebook.com/docs/graph-api/guides/secure-requests
    """
    return _hmac(app_secret, access_token.encode(), "sha256")


def signed_request(content: Mapping[str, Any], app_secret: str) -> str:
    """Return *content* as the signed_request of the privacy callbacks.

    https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback/
    """
    encoded = _base64url(json.dumps(content, separators=(",", ":")).encode())
    signature = hmac.digest(app_secret.encode(), encoded.encode(), "sha256")
    return f"{_base64url(signature)}.{encoded}"


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _hmac(key: str, content: bytes, algorithm: str) -> str:
    return hmac.new(key.encode(), content, algorithm).hexdigest()
