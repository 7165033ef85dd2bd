import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from app.emulator.webhooks import signing
from app.emulator.webhooks.journal import masked
from tests.emulator.conftest import Person
from tests.emulator.webhook_server import Webhook

CODE = "tl_3f9c1d5e7a8b0c2d4e6f"


def numbers(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'class="entry [^>]* data-number="(\d+)"', html)]


def test_every_step_of_a_linking_is_shown_newest_first(
    app: Flask, graph: FlaskClient, ana: Person
) -> None:
    graph.post("/v26.0/me/messenger_profile", json={"account_linking_url": "https://a.example"})
    ana.comes_back(f"&authorization_code={CODE}")

    page = app.test_client().get("/inspector").text

    titles = re.findall(r'class="entry-title">([^<]+)', page)
    assert [
        "comes back, logged in",
        "says that Ana logged in",
        "opens the log-in page for Ana",
        "sets where Log In leads",
    ] == titles
    assert [4, 3, 2, 1] == numbers(page)


def test_a_webhook_is_shown_with_its_signature_and_answer(
    app: Flask, ana: Person, webhook: Webhook
) -> None:
    webhook.answer = b"EVENT_RECEIVED"
    ana.submits("messages", text="hello")

    page = app.test_client().get("/inspector").text

    headers = webhook.received[0].headers
    assert f"X-Hub-Signature-256: {headers['X-Hub-Signature-256']}" in page
    assert "EVENT_RECEIVED" in page
    assert "POST http" in page


def test_a_webhook_that_was_never_sent_is_shown_with_reason_and_fix(
    app: Flask, ana: Person
) -> None:
    ana.emulator.state.app_subscription = None
    ana.submits("messages", text="hello")

    page = app.test_client().get("/inspector").text

    assert "message, Ana Berg (not sent)" in page
    assert "No webhook is set for this app" in page
    assert "/subscriptions" in page


def test_no_secret_is_shown_in_full_unless_requested(
    app: Flask, settings: EmulatorSettings, ana: Person
) -> None:
    """
    Screens are shared and photographed.
    """
    token = settings.pages[0].token
    proof = signing.appsecret_proof(token, settings.app_secret)
    inside = ana.taps_log_in().partition("=")[2]
    client = app.test_client()
    client.get(f"/v26.0/me?access_token={token}&appsecret_proof={proof}")
    client.post("/v26.0/me/messages", json={"access_token": token})
    client.get("/v26.0/me", headers={"Authorization": f"Bearer {token}"})
    ana.comes_back(f"&authorization_code={CODE}")

    newest = numbers(client.get("/inspector").text)[0]
    pages = [client.get(f"/inspector/{number}").text for number in range(1, newest + 1)]
    shown = "".join([client.get("/inspector").text, *pages])

    for secret in (token, proof, inside, CODE, settings.app_secret):
        assert secret not in shown
    assert CODE in client.get(f"/inspector/{newest}?unmasked").text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/me?access_token=EAAB0123456789abcd&fields=id", "/me?access_token=EAAB•••&fields=id"),
        ("/me?access_token=12%7Cshort", "/me?access_token=•••"),
        ('{"authorization_code":"tl_\\u0040123456789abcdef"}', '{"authorization_code":"tl_\\•••"}'),
        ('{"q": "{\\"access_token\\":\\"abc\\"}"}', '{"q": "{\\"access_token\\":\\"•••\\"}"}'),
        (
            "r=https%3A%2F%2Fx%3Faccount_linking_token%3DARTzzzz",
            "r=https%3A%2F%2Fx%3Faccount_linking_token%3D•••",
        ),
        ("Authorization: Bearer abc", "Authorization: Bearer •••"),
        ("hub.verify_token=meaty&x=1", "hub.verify_token=•••&x=1"),
        ("nothing=secret", "nothing=secret"),
    ],
    ids=["query", "encoded", "json", "json in json", "query in query", "header", "hub", "none"],
)
def test_masked_shortens_a_secret_in_any_encoding(text: str, shown: str) -> None:
    assert shown == masked(text)


def test_a_page_that_shows_some_entries_gets_only_newer_ones(app: Flask, ana: Person) -> None:
    ana.submits("messages", text="one")
    ana.submits("messages", text="two")

    assert [2] == numbers(app.test_client().get("/inspector/entries?after=1").text)
    assert [] == numbers(app.test_client().get("/inspector/entries?after=2").text)


def test_an_exchange_is_shown_as_raw_bytes(app: Flask, ana: Person, webhook: Webhook) -> None:
    ana.submits("messages", text="50% off @ /home")

    page = app.test_client().get("/inspector/1").text

    assert r"50\u0025 off \u0040 \/home" in page
    assert webhook.received[0].body.decode().replace('"', "&#34;") in page


def test_an_exchange_that_is_not_there_is_not_found(app: Flask) -> None:
    assert 404 == app.test_client().get("/inspector/77").status_code


def test_the_reason_of_a_failure_is_read_without_opening_it(app: Flask, ana: Person) -> None:
    ana.emulator.state.app_subscription = None
    ana.submits("messages", text="hello")

    page = app.test_client().get("/inspector").text

    summary = page.partition("<summary>")[2].partition("</summary>")[0]
    assert "No webhook is set for this app" in summary


def test_a_log_in_that_never_comes_back_says_where_to_look(app: Flask, ana: Person) -> None:
    """
    A server that refuses redirect_uri leaves no other trace.
    """
    ana.taps_log_in()

    page = app.test_client().get("/inspector").text

    assert "REDIRECT_ORIGINS=http://127.0.0.1:5010" in page


@pytest.mark.parametrize(
    ("fault", "fix"),
    [
        ("proof-wrong", "its key the app secret"),
        ("proof-required", "its key the app secret"),
        ("graph-190-463", "this one has expired"),
        ("drip", "limit the duration of the whole call"),
    ],
)
def test_a_call_that_failed_says_how_to_fix_it(
    fault: str, fix: str, app: Flask, graph: FlaskClient, ana: Person
) -> None:
    ana.emulator.faults.turn_on(fault)

    with graph.get("/v26.0/me" + ("?appsecret_proof=00" if fault == "proof-wrong" else "")):
        pass  # a drip is not waited for

    assert fix in app.test_client().get("/inspector").text
