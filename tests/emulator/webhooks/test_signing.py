"""Escaping and signing against published vectors and vectors computed by other means."""

import base64
import json
from collections.abc import Mapping

import pytest

from app.emulator import ids as mint
from app.emulator.webhooks import signing

SECRET = "60efff025951cddde78c8d03de52cc90"


def entry(event: Mapping[str, object]) -> dict[str, object]:
    happened = {
        "sender": {"id": "1256217357730577"},
        "recipient": {"id": "1717527131834678"},
        "timestamp": 1475942721741,
        **event,
    }
    return {"id": "1717527131834678", "time": 1475942721780, "messaging": [happened]}


MESSAGE = {
    "message": {
        "mid": "mid.1475942721728:3b9e3646712f9bed52",
        "seq": 123,
        "text": "34wrr3wr",
    }
}
LINKED = {"account_linking": {"status": "linked", "authorization_code": "a/b@c%d<eäöå😀"}}


# The first is a real delivery: WebhookTest.java of https://github.com/messenger4j/messenger4j.
@pytest.mark.parametrize(
    ("event", "sha1", "sha256"),
    [
        (
            MESSAGE,
            "3daa41999293ff66c3eb313e04bcf77861bb0276",
            "2c28be6e4b8c62b732b3487f445dbec6624868db6844b347567ebc86d7da3ad4",
        ),
        (
            LINKED,
            "9fd9e68233b2d393cdf6ebe55edce92b8e8763ff",
            "69182321915a2798764fcc151848cf3f1ebe3092af6b4953c3474e055d23c320",
        ),
    ],
    ids=["a captured delivery", "one with every escape"],
)
def test_signatures_equal_the_published_vectors(
    event: Mapping[str, object], sha1: str, sha256: str
) -> None:
    body = signing.delivery_body("page", [entry(event)])

    headers = signing.signed_headers(body, SECRET)

    assert f"sha1={sha1}" == headers["X-Hub-Signature"]
    assert f"sha256={sha256}" == headers["X-Hub-Signature-256"]


def test_body_is_escaped_as_messenger_escapes_it() -> None:
    body = signing.delivery_body("page", [entry(LINKED)])

    assert rb"a\/b\u0040c\u0025d\u003Ce\u00e4\u00f6\u00e5\ud83d\ude00" in body
    assert (
        LINKED["account_linking"] == json.loads(body)["entry"][0]["messaging"][0]["account_linking"]
    )


def test_appsecret_proof_equals_the_vector() -> None:
    """
    Computed apart from this code, by the rule of
    https://developers.facebook.com/docs/graph-api/guides/secure-requests.
    """
    assert (
        "077ecd16e3a8db734481f1a5d7a0f48cdf2ca1a1a592130532b578110783b642"
        == signing.appsecret_proof("EAAtesttoken", SECRET)
    )


def test_a_signed_request_equals_the_vector() -> None:
    """
    Computed apart from this code, with the example values of Meta's data deletion page.
    """
    content = {
        "user_id": "218471",
        "algorithm": "HMAC-SHA256",
        "issued_at": 1291836800,
        "expires": 1291840400,
    }

    assert (
        "7XCxx0QqHaNJiM85uehZzQ45np_PNk8w_hH-EPzo694."
        "eyJ1c2VyX2lkIjoiMjE4NDcxIiwiYWxnb3JpdGhtIjoiSE1BQy1TSEEyNTYiLCJpc3N1ZWRfYXQiOjEyOTE4MzY4"
        "MDAsImV4cGlyZXMiOjEyOTE4NDA0MDB9"
    ) == signing.signed_request(content, SECRET)


def test_a_linking_token_has_the_measured_shape() -> None:
    """
    Four captured tokens agree on it.
    """
    token = mint.account_linking_token()

    content = base64.urlsafe_b64decode(token + "==")
    assert (110, 82, b"\x01\x14") == (len(token), len(content), content[:2])
    assert token != mint.account_linking_token()
