"""The two forms of an alert (R143)."""

import json

from app.alerts.bodies import JSON, SLACK, Form
from app.alerts.fault import Fault, FaultKey
from tests.installation import NOON, PAGE

HOSTILE = "<!channel> *Harbour* <https://evil.example|Coffee> & Co"
FAULT = Fault(FaultKey("meta:token", PAGE), f"Token of page {HOSTILE}: is not valid", "a new one")


def test_a_program_gets_a_standard_webhook() -> None:
    body = json.loads(Form(JSON, "https://console.example.com").body("fault.found", FAULT, at=NOON))

    assert {
        "type": "fault.found",
        "timestamp": "2026-11-20T12:00:00.000Z",
        "data": {
            "cause": "meta:token",
            "page_id": PAGE,
            "sentence": FAULT.sentence,
            "fix": "a new one",
            "console_url": "https://console.example.com",
        },
    } == body


def test_what_is_of_no_page_has_none() -> None:
    fault = Fault(FaultKey("privacy_duties"), "1 request waits", "threadlink privacy list")

    body = json.loads(Form(JSON).body("fault.over", fault, at=NOON))

    assert (None, None) == (body["data"]["page_id"], body["data"]["console_url"])


def test_a_name_calls_nobody_and_links_nowhere_in_a_chat() -> None:
    """R143: Slack takes "<…>" for a command or a link wherever it stands."""
    body = json.loads(Form(SLACK).body("fault.found", FAULT, at=NOON))

    assert {"text", "mrkdwn"} == body.keys()
    assert body["mrkdwn"] is False
    assert not {"<", ">"} & set(body["text"])
    assert "&lt;!channel&gt; *Harbour*" in body["text"]
    assert "&amp; Co" in body["text"]


def test_a_chat_reads_what_to_do_and_where() -> None:
    form = Form(SLACK, "https://console.example.com")

    found, over = (
        json.loads(form.body(kind, FAULT, at=NOON))["text"]
        for kind in ("fault.found", "fault.over")
    )

    assert found.startswith("Threadlink: fault found: Token of page")
    assert found.endswith("\nFix: a new one\nConsole: https://console.example.com")
    assert over.startswith("Threadlink: fault over: Token of page")
    assert "\n" not in over
