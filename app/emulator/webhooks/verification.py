"""The verification handshake of a webhook (Meta, Webhooks, Getting Started).

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
"""

from urllib.parse import urlencode

from app.emulator import ids
from app.emulator.faults.failures import Failure
from app.emulator.webhooks.http_sender import HttpSender, OutgoingRequest, check_echo

# As seen in captured requests and in allow-lists of public code.
_USER_AGENT = "facebookplatform/1.0 (+http://developers.facebook.com)"


def verify(
    sender: HttpSender, callback_url: str, verify_token: str, *, seconds: float
) -> Failure | None:
    """Ask *callback_url* to echo a challenge; None means that it did, exactly."""
    challenge = ids.challenge()
    query = urlencode(
        {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": verify_token,
        }
    )
    separator = "&" if "?" in callback_url else "?"
    request = OutgoingRequest(
        kind="handshake",
        title="Webhook verification",
        method="GET",
        url=f"{callback_url}{separator}{query}",
        headers={"User-Agent": _USER_AGENT, "Accept": "*/*"},
    )
    return sender.send(request, seconds=seconds, check=check_echo(challenge))
