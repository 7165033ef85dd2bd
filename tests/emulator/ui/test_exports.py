"""The inspector's exports: a command, a test, the same request again."""

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.emulator import EmulatorServer, EmulatorSettings
from app.emulator.webhooks import signing
from tests.emulator.conftest import Person
from tests.emulator.webhook_server import Webhook


def test_a_copied_command_sends_the_same_bytes(app: Flask, ana: Person, webhook: Webhook) -> None:
    ana.submits("messages", text="it's 50% off @ $HOME `here`")
    command = app.test_client().get("/inspector/1/curl").text

    subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=20)  # noqa: S603, S607 - what a developer pastes

    first, second = webhook.received
    assert first.body == second.body
    assert first.headers["X-Hub-Signature-256"] == second.headers["X-Hub-Signature-256"]


def test_a_copied_test_passes_as_long_as_the_server_answers_200(
    app: Flask, ana: Person, webhook: Webhook, tmp_path: Path
) -> None:
    ana.submits("messages", text='it\'s \\ "quoted" and {braced}')
    (tmp_path / "test_copied.py").write_text(app.test_client().get("/inspector/1/pytest").text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]

    passed = subprocess.run(command, check=False, capture_output=True, timeout=60)  # noqa: S603 - our own interpreter
    first, second = webhook.received
    webhook.status = 500
    failed = subprocess.run(command, check=False, capture_output=True, timeout=60)  # noqa: S603 - the same

    assert (0, 1) == (passed.returncode, failed.returncode)
    assert first.body == second.body


def test_a_copied_graph_call_goes_to_graph(settings: EmulatorSettings) -> None:
    with EmulatorServer(settings) as server:
        client = server.app.test_client()
        path = "/v26.0/me?fields=name"
        client.get(path, headers={"Authorization": f"Bearer {settings.pages[0].token}"})
        command = client.get("/inspector/1/curl").text

        run = subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=20)  # noqa: S603, S607 - what a developer pastes

    assert b"Harbour Coffee" in run.stdout


def test_send_again_sends_the_same_bytes(app: Flask, ana: Person, webhook: Webhook) -> None:
    ana.submits("messages", text="hello")

    answer = app.test_client().post("/inspector/1/again")
    ana.emulator.dispatcher.settle()

    first, second = webhook.received
    assert 303 == answer.status_code
    assert first == second


def test_send_late_has_happened_an_hour_earlier_and_is_signed_anew(
    app: Flask, ana: Person, webhook: Webhook, settings: EmulatorSettings
) -> None:
    ana.comes_back()
    entry = ana.emulator.journal.entries()[-1].number + 1

    app.test_client().post(f"/inspector/{entry}/late")
    ana.emulator.dispatcher.settle()

    first, second = webhook.events()
    delivery = webhook.received[-1]
    right = signing.signed_headers(delivery.body, settings.app_secret)["X-Hub-Signature-256"]
    assert 3600_000 == first["timestamp"] - second["timestamp"]
    assert first["account_linking"] == second["account_linking"]
    assert right == delivery.headers["X-Hub-Signature-256"]


def test_a_graph_call_can_be_made_again(app: Flask, graph: FlaskClient, ana: Person) -> None:
    message = {"recipient": {"id": ana.psid}, "message": {"text": "hello"}}
    graph.post("/v26.0/me/messages", json=message)

    app.test_client().post("/inspector/1/again")

    assert ["hello", "hello"] == [message.text for message in ana.thread.messages]


@pytest.mark.parametrize("action", ["again", "late"])
def test_what_was_never_sent_cannot_be_sent_again(
    action: str, app: Flask, ana: Person, webhook: Webhook
) -> None:
    ana.emulator.state.subscribe(None)
    ana.submits("messages", text="hello")

    answer = app.test_client().post(f"/inspector/1/{action}")

    assert 404 == answer.status_code
    assert [] == webhook.received


@pytest.mark.parametrize("path", ["77/curl", "77/pytest"])
def test_a_copy_of_nothing_is_not_found(path: str, app: Flask) -> None:
    assert 404 == app.test_client().get(f"/inspector/{path}").status_code


def test_the_list_can_be_narrowed_to_what_failed(
    app: Flask, graph: FlaskClient, ana: Person
) -> None:
    ana.submits("messages", text="hello")
    graph.get("/v26.0/nonsense")
    client = app.test_client()

    failed = client.get("/inspector?only=failed").text
    webhooks = client.get("/inspector?only=webhook").text

    assert "GET nonsense" in failed
    assert "message, Ana Berg" not in failed
    assert "GET nonsense" not in webhooks
    assert "message, Ana Berg" in webhooks


def test_a_graph_error_is_shown_with_its_fix(app: Flask, graph: FlaskClient) -> None:
    graph.get("/v26.0/me?fields=recipient&account_linking_token=AR1")

    page = app.test_client().get("/inspector").text

    assert "(#10303) Account Linking Error" in page
    assert "tap Log In again; nothing else helps" in page
