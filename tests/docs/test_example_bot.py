"""The bot of examples/bot, which others copy, takes only what was signed for it just now (R98)."""

import base64
import hmac
import json
import re
import runpy
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
import responses
from flask.testing import FlaskClient

from app.infra import clock
from app.infra.network import standard_webhooks
from tests.installation import ANA, PAGE

BOT: Final = Path(__file__).parents[2] / "examples/bot/bot.py"
SECRET: Final = b"0123456789abcdef0123456789abcdef"
APP_SECRET: Final = "an app secret"
MESSAGES: Final = "https://graph.facebook.com/v26.0/me/messages"
JSON: Final = "application/json"
NOTICE: Final = json.dumps(
    {
        "type": "link.created",
        "data": {"page_id": PAGE, "psid": ANA, "messenger_name": "Ana", "display_name": "a•••"},
    }
).encode()
MESSAGE: Final = json.dumps({"entry": [{"id": PAGE, "messaging": []}]}).encode()


@pytest.fixture
def bot() -> FlaskClient:
    settings = {
        "APP_SECRET": APP_SECRET,
        "PAGE_ACCESS_TOKEN": "a token",
        "THREADLINK_URL": "http://threadlink.test",
        "THREADLINK_KEY": "a key",
        "BOT_WEBHOOK_SECRET": f"whsec_{base64.b64encode(SECRET).decode()}",
    }
    client: FlaskClient = runpy.run_path(str(BOT))["create_app"](settings).test_client()
    return client


@pytest.fixture
def sent() -> Iterator[responses.RequestsMock]:
    """Yield Graph, which notes what the bot says in chats."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as graph:
        graph.post(MESSAGES, json={})
        yield graph


def test_a_notice_of_now_is_acted_on(bot: FlaskClient, sent: responses.RequestsMock) -> None:
    """Also while two secrets sign, and after an hour of retries: each try is signed anew."""
    headers = standard_webhooks.headers_for(
        "m-1", NOTICE, secrets=[b"other", SECRET], at=clock.now()
    )

    assert (
        204
        == bot.post(
            "/notices", data=NOTICE, headers={**headers}, content_type="application/json"
        ).status_code
    )
    assert 1 == len(sent.calls)


def test_what_was_written_before_log_in_is_given_and_gone_on_with(
    bot: FlaskClient, sent: responses.RequestsMock
) -> None:
    """R132: the button has it, and the notice brings it back."""
    written = {"message": {"mid": "m", "text": "where is my order?"}, "sender": {"id": ANA}}
    delivery = json.dumps({"entry": [{"id": PAGE, "messaging": [written]}]}).encode()
    mac = hmac.new(APP_SECRET.encode(), delivery, "sha256").hexdigest()
    person = f"http://threadlink.test/api/v1/links/{PAGE}/{ANA}"
    sent.get(person, status=404)
    buttons = sent.post(f"http://threadlink.test/api/v1/pages/{PAGE}/buttons", json={})
    signed = {"X-Hub-Signature-256": f"sha256={mac}"}
    assert (
        200 == bot.post("/messenger", data=delivery, headers=signed, content_type=JSON).status_code
    )
    given = json.loads(buttons.calls[0].request.body or b"")["resume"]

    link = {"page_id": PAGE, "psid": ANA, "messenger_name": "Ana", "display_name": "a•••"}
    sent.replace("GET", person, json=link)
    notice = json.dumps({"type": "link.created", "data": {**link, "resume": given}}).encode()
    headers = {**standard_webhooks.headers_for("m-1", notice, secrets=[SECRET], at=clock.now())}
    assert 204 == bot.post("/notices", data=notice, headers=headers, content_type=JSON).status_code

    assert "where is my order?" == given
    said = [
        json.loads(call.request.body or b"")["message"]["text"]
        for call in sent.calls
        if MESSAGES == call.request.url
    ]
    assert ["Welcome, Ana!", "Hi Ana! You are a•••."] == said


@pytest.mark.parametrize(
    ("ago", "secret", "changed"),
    [
        (6, SECRET, {}),
        (-6, SECRET, {}),
        (0, b"another", {}),
        (0, SECRET, {"webhook-id": "m-2"}),
        (0, SECRET, {"webhook-signature": "v1,"}),
        (0, SECRET, {"webhook-signature": "v1,\u00e9"}),
        (0, SECRET, {"webhook-signature": "", "webhook-timestamp": "soon"}),
    ],
    ids=["old", "ahead", "other secret", "other id", "no mac", "no ASCII", "unsigned"],
)
def test_any_other_notice_says_nothing_in_a_chat(
    bot: FlaskClient,
    sent: responses.RequestsMock,
    ago: int,
    secret: bytes,
    changed: Mapping[str, str],
) -> None:
    """R98: whoever has caught one and sends it again later finds the bot deaf."""
    at = clock.now() - timedelta(minutes=ago)
    headers = standard_webhooks.headers_for("m-1", NOTICE, secrets=[secret], at=at)

    answer = bot.post("/notices", data=NOTICE, headers={**headers, **changed})

    assert 403 == answer.status_code
    assert 0 == len(sent.calls)


def test_a_delivery_is_taken_with_metas_signature_alone(bot: FlaskClient) -> None:
    mac = hmac.new(APP_SECRET.encode(), MESSAGE, "sha256").hexdigest()

    statuses = [
        bot.post(
            "/messenger",
            data=MESSAGE,
            headers={"X-Hub-Signature-256": signature},
            content_type="application/json",
        ).status_code
        for signature in (f"sha256={mac}", f"sha256={mac[:-1]}", "sha256=\u00e9", "")
    ]

    assert [200, 403, 403, 403] == statuses


def test_the_page_shows_the_reader_as_it_is_run() -> None:
    """tests/journeys/test_nats.py runs it behind emulator and stream."""
    page = (BOT.parents[2] / "docs/bots.md").read_text(encoding="utf-8")
    (shown,) = re.findall(
        r"^## From a log: NATS$.*?```python\n(.*?)```", page, re.DOTALL | re.MULTILINE
    )

    assert shown in BOT.with_name("reader.py").read_text(encoding="utf-8")
