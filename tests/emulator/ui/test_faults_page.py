"""The Faults page: switches, search, clock and triggers."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from app.emulator.context import Emulator
from tests.emulator.conftest import PAGE, Person
from tests.emulator.webhook_server import Webhook

HOUR = timedelta(hours=1)


def test_the_page_turns_faults_on_once_and_off(
    app: Flask, emulator: Emulator, webhook: Webhook
) -> None:
    browser = app.test_client()

    browser.post("/faults/twice", data={"to": "on"})
    browser.post("/faults/html", data={"to": "once"})
    shown = browser.get("/faults").text
    on = emulator.faults.on()
    browser.post("/faults/twice", data={"to": "off"})
    left = emulator.faults.on()
    browser.post("/faults/all-off")

    assert {"twice": None, "html": 1} == on
    assert 'aria-checked="true" aria-label="twice"' in shown
    assert {"html": 1} == left
    assert {} == emulator.faults.on()
    assert 404 == browser.post("/faults/rain", data={"to": "on"}).status_code
    assert [] == webhook.received


@pytest.mark.parametrize(
    ("find", "found"),
    [
        ("twice", ["twice", "ref-twice"]),
        ("190 expired", ["graph-190-463"]),
        ("EXPIRED Token page", ["graph-190-463"]),
        ("rain", []),
    ],
)
def test_a_fault_is_found_by_words_of_its_name_and_of_what_it_does(
    app: Flask, find: str, found: list[str]
) -> None:
    shown = app.test_client().get("/faults", query_string={"find": find}).text

    assert found == re.findall(r'role="switch" [^>]*aria-label="([^"]+)"', shown)
    assert ("Show all" in shown) is (not found)


def test_a_switch_leads_back_to_what_was_looked_for(app: Flask) -> None:
    sent = {"to": "on", "find": "190 expired"}

    answer = app.test_client().post("/faults/graph-190-463", data=sent)

    assert answer.location == "/faults?find=190+expired&area=graph#graph-190-463"


def test_the_page_lets_time_pass_and_things_happen(
    app: Flask, emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    browser = app.test_client()

    browser.post("/faults/time", data={"by": "1-hour"})
    browser.post("/faults/trigger", data={"what": "linked", "who": f"{PAGE}/{ana.psid}"})

    ahead = emulator.clock.ahead
    offered = "Back to now" in browser.get("/faults").text
    browser.post("/faults/time", data={"by": "now"})

    assert (HOUR, timedelta()) == (ahead, emulator.clock.ahead)
    assert offered
    assert "Back to now" not in browser.get("/faults").text
    assert 400 == browser.post("/faults/time", data={"by": "then"}).status_code
    assert ana.thread.linked
    assert "linked" == webhook.events()[0]["account_linking"]["status"]


def test_the_page_sends_the_ref_of_a_link(app: Flask, ana: Person, webhook: Webhook) -> None:
    sent = {"what": "referral", "who": f"{PAGE}/{ana.psid}", "ref": "summer-26"}

    app.test_client().post("/faults/trigger", data=sent)

    assert "summer-26" == webhook.events()[0]["referral"]["ref"]
