import base64
from datetime import UTC, datetime

from standardwebhooks import Webhook

from app.infra.network import standard_webhooks
from app.infra.settings.parsing import webhook_secrets

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT = "whsec_" + base64.b64encode(b"the key that comes after it").decode()
BODY = b'{"test": 2432232314}'


def test_the_published_vector_comes_out_again() -> None:
    """R98: standard-webhooks/spec, "Signature scheme"; read 2026-11."""
    at = datetime.fromtimestamp(1614265330, UTC)

    headers = standard_webhooks.headers_for(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, secrets=webhook_secrets(SECRET), at=at
    )

    assert {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    } == headers


def test_the_reference_library_accepts_either_secret_in_a_rotation() -> None:
    """R98: while the operator changes secrets, the bot may know the old one or the new."""
    secrets = webhook_secrets(f"{NEXT} {SECRET}")

    headers = dict(
        standard_webhooks.headers_for("msg_1", BODY, secrets=secrets, at=datetime.now(UTC))
    )

    assert {"test": 2432232314} == Webhook(SECRET).verify(BODY, headers)
    assert {"test": 2432232314} == Webhook(NEXT).verify(BODY, headers)
