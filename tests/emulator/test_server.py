import json
import logging
import socket

import pytest
import requests
from flask import Flask

from app.emulator import EmulatorServer, EmulatorSettings, PageSettings, demo_settings
from app.emulator.context import emulator_of
from tests.emulator.conftest import PAGE, Person
from tests.emulator.webhook_server import Webhook


def test_a_served_emulator_delivers_over_the_wire(webhook: Webhook) -> None:
    settings = demo_settings(webhook_url=webhook.url)
    with EmulatorServer(settings) as server:
        description = server.description
        chat = description["pages"][0]["people"][1]["chat_url"]

        requests.post(f"{chat}/messages", data={"text": "hello"}, timeout=5)
        server.settle()
        page = requests.get(chat, timeout=5)

    sent = webhook.received[0]
    assert "hello" in page.text
    assert description["pages"][0]["people"][1]["psid"] == webhook.events()[0]["sender"]["id"]
    # The headers of a delivery captured from Meta, and none of the client library's.
    assert {
        "Host",
        "Content-Type",
        "User-Agent",
        "Accept",
        "Accept-Encoding",
        "X-Hub-Signature",
        "X-Hub-Signature-256",
        "Content-Length",
    } == set(sent.headers)
    assert "Webhooks/1.0 (https://fb.me/webhooks)" == sent.headers["User-Agent"]


def test_the_description_is_json_and_holds_no_secret() -> None:
    settings = demo_settings()
    server = EmulatorServer(settings)
    server.stop()

    text = json.dumps(server.description)

    assert settings.app_id in text
    for secret in (settings.app_secret, settings.verify_token, settings.pages[0].token):
        assert secret not in text
        assert secret not in repr(settings)


def test_its_own_log_has_no_queries(caplog: pytest.LogCaptureFixture) -> None:
    """
    Tokens and codes travel in them.
    """
    with caplog.at_level(logging.INFO), EmulatorServer(demo_settings()) as server:
        requests.get(f"{server.origin}/v26.0/me?access_token=EAAsecret", timeout=5)
        with socket.create_connection(("127.0.0.1", int(server.origin.rpartition(":")[2]))) as raw:
            raw.sendall(b"GET /me?access_token=EAAsecret HTTP/bad\r\n\r\n")
            raw.recv(1024)

    assert "GET /v26.0/me 400" in caplog.text
    assert "a malformed request" in caplog.text
    assert "EAAsecret" not in caplog.text


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "example.com", ""])  # noqa: S104 (refused)
def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        EmulatorServer(demo_settings(), host=host)


def test_a_port_in_use_is_an_error_to_the_caller() -> None:
    with EmulatorServer(demo_settings()) as first:
        port = int(first.origin.rpartition(":")[2])

        with pytest.raises(OSError, match="in use"):
            EmulatorServer(demo_settings(), port=port)


def test_a_stopped_emulator_releases_its_port() -> None:
    first = EmulatorServer(demo_settings())
    first.start()
    first.stop()

    with EmulatorServer(demo_settings(), port=int(first.origin.rpartition(":")[2])) as second:
        assert first.origin == second.origin
        assert 200 == requests.get(second.origin, timeout=5).status_code


def test_settings_that_cannot_work_are_refused() -> None:
    page = PageSettings(PAGE, "Harbour Coffee", "token")
    good = {"app_id": "1", "app_secret": "s", "verify_token": "v", "people": ("Ana",)}

    EmulatorSettings(**good, pages=(page,))  # type: ignore[arg-type]  # a table of arguments
    for pages in ((), (page, page), (PageSettings("x", "X", "t"),), (PageSettings("1", "X", ""),)):
        with pytest.raises(ValueError, match=r"pages|digits|empty"):
            EmulatorSettings(**good, pages=pages)  # type: ignore[arg-type]  # the same


def test_a_foreign_host_name_is_refused(app: Flask) -> None:
    """
    DNS rebinding: a website could resolve its name to 127.0.0.1 and read everything.
    """
    client = app.test_client()

    for path in ("/", "/inspector", "/v26.0/me"):
        answer = client.get(path, headers={"Host": "evil.example:5010"})

        assert 400 == answer.status_code
        assert "Harbour" not in answer.text
    assert 400 == client.get("/", headers={"Host": "["}).status_code
    assert 302 == client.get("/", headers={"Host": "localhost:5010"}).status_code
    assert 302 == client.get("/", headers={"Host": "[::1]:5010"}).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_website_is_refused(
    headers: dict[str, str], app: Flask, ana: Person, webhook: Webhook
) -> None:
    address = f"/t/{PAGE}/{ana.psid}/messages"

    answer = app.test_client().post(address, data={"text": "I was tricked"}, headers=headers)

    assert 403 == answer.status_code
    assert () == ana.thread.messages
    assert [] == webhook.received


@pytest.mark.parametrize("path", ["/", "/inspector", "/v26.0/me", "/static/emulator.css"])
def test_every_answer_has_the_security_headers(path: str, app: Flask) -> None:
    with app.test_client().get(path) as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert "no-referrer" == answer.headers["Referrer-Policy"]
        assert "nosniff" == answer.headers["X-Content-Type-Options"]


def test_a_connection_can_be_reset_before_the_answer(settings: EmulatorSettings) -> None:
    with EmulatorServer(settings) as server:
        emulator_of(server.app).faults.turn_on("reset", times=1)

        with pytest.raises(requests.ConnectionError, match="reset"):
            requests.get(f"{server.origin}/v26.0/me", timeout=5)
        again = requests.get(f"{server.origin}/v26.0/me", timeout=5)

    entry = emulator_of(server.app).journal.entries()[-1].exchange
    assert ("reset",) == entry.faults
    assert entry.failure is not None
    assert 400 == again.status_code


def test_an_answer_can_come_byte_by_byte(settings: EmulatorSettings) -> None:
    with EmulatorServer(settings) as server:
        emulator_of(server.app).faults.turn_on("drip", times=1)

        with requests.get(f"{server.origin}/v26.0/me", stream=True, timeout=5) as answer:
            first = answer.raw.read1(64)

    assert b"{" == first
    assert int(answer.headers["Content-Length"]) > 1
