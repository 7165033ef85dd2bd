import json
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from app.emulator.context import Emulator
from app.emulator.rate_limits import SEND
from tests.emulator.conftest import PAGE, ManualClock, Person, error


def test_a_page_has_ten_profile_calls_in_ten_minutes(
    app: Flask, graph: FlaskClient, clock: ManualClock
) -> None:
    profile = "/v26.0/me/messenger_profile?fields=account_linking_url"
    other = {"Authorization": "Bearer EAAcorner-token-0123456789"}

    admitted = [graph.get(profile).status_code for _ in range(10)]
    refused = graph.get(profile)
    elsewhere = app.test_client().get(profile, headers=other)
    clock.advance(timedelta(minutes=10))
    later = graph.get(profile)

    usage = json.loads(refused.headers["X-Business-Use-Case-Usage"])[PAGE][0]
    assert [200] * 10 == admitted
    assert 613 == error(refused)["code"]
    assert (100, "messenger") == (usage["call_count"], usage["type"])
    assert 200 == elsewhere.status_code == later.status_code


def test_a_page_sends_three_hundred_times_a_second(
    graph: FlaskClient, ana: Person, emulator: Emulator, clock: ManualClock
) -> None:
    for _ in range(300):
        emulator.rate_limits.admits(PAGE, SEND, clock())
    message = {"recipient": {"id": ana.psid}, "message": {"text": "hello"}}

    refused = graph.post("/v26.0/me/messages", json=message)
    clock.advance(timedelta(seconds=1))
    admitted = graph.post("/v26.0/me/messages", json=message)

    assert 613 == error(refused)["code"]
    assert 200 == admitted.status_code
    assert 1 == len(ana.thread.messages)
