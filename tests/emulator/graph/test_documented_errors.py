"""The emulator's Graph errors against those that Meta documents."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.emulator.context import Emulator
from app.emulator.faults.table import FAULTS
from tests.emulator.conftest import Person

SAMPLES = Path(__file__).parents[2] / "samples"


def test_an_error_of_graph_has_the_members_that_samples_have() -> None:
    samples = json.loads((SAMPLES / "graph" / "errors.json").read_text(encoding="utf-8"))
    seen = {
        each["body"]["error"]["code"]: each["body"]["error"]
        for each in samples
        if isinstance(each["body"], dict) and isinstance(each["body"].get("error"), dict)
    }
    ours = {fault.error.code for fault in FAULTS.values() if fault.error is not None}

    assert {190, 10303} <= ours & set(seen)
    for code in ours & set(seen):
        assert {"message", "type", "code"} <= set(seen[code])


# https://developers.facebook.com/docs/graph-api/guides/error-handling; the proofs by
# https://github.com/Yoctol/bottender/issues/271 and
# https://github.com/facebook/facebook-python-business-sdk/issues/528.
@pytest.mark.parametrize(
    ("fault", "request_line", "members"),
    [
        (
            "proof-required",
            "GET /v26.0/me",
            {
                "type": "GraphMethodException",
                "code": 100,
                "message": "API calls from the server require an appsecret_proof argument",
            },
        ),
        (
            "proof-wrong",
            "GET /v26.0/me?appsecret_proof=00",
            {
                "type": "GraphMethodException",
                "code": 100,
                "message": "Invalid appsecret_proof provided in the API argument",
            },
        ),
        (
            "graph-190",
            "GET /v26.0/me",
            {"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190},
        ),
        (None, "GET /v26.0/nothing/here", {"code": 2500, "type": "OAuthException"}),
        (
            None,
            "GET /v26.0/999",
            {"code": 100, "error_subcode": 33, "type": "GraphMethodException"},
        ),
        (
            None,
            "GET /v26.0/me?fields=recipient&account_linking_token=unknown",
            {"code": 10303},
        ),
        (None, "POST /v26.0/me/unlink_accounts?psid=1", {"error_subcode": 2018001}),
    ],
    ids=["no proof", "wrong proof", "token", "path", "object", "linking token", "nobody"],
)
def test_a_documented_refusal_has_its_documented_members(
    fault: str | None,
    request_line: str,
    members: dict[str, Any],
    graph: FlaskClient,
    emulator: Emulator,
) -> None:
    if fault is not None:
        emulator.faults.turn_on(fault)

    method, path = request_line.split()
    answer = graph.open(path, method=method)

    error = answer.get_json()["error"]
    assert 400 == answer.status_code
    assert members == {name: error.get(name) for name in members}
    # Eleven characters in old answers, 23 in those of 2024.
    assert len(error["fbtrace_id"]) in {11, 23}


# Each code with its subcodes; None is the code without one. https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
# (25 June 2026), https://developers.facebook.com/docs/graph-api/guides/error-handling, and those
# that others have met: their sources are in the table of faults.
DOCUMENTED_ERRORS: dict[int, tuple[int | None, ...]] = {
    1: (None, 99, 1357046),
    2: (None, 2018344),
    3: (None,),
    4: (None,),
    9: (2018352,),
    10: (None, 2018278, 2534022, 2018065, 2018108, 1893063, 2018300, 2018321, 2018336, 2018047),
    17: (None,),
    32: (None,),
    100: (
        None,
        33,
        2018001,
        2018014,
        2018035,
        2018063,
        2018145,
        2018109,
        2018164,
        2018218,
        2018247,
    ),
    102: (None,),
    105: (None,),
    110: (None,),
    210: (None,),
    459: (None,),
    190: (None, 458, 459, 460, 463, 464, 467, 492),
    200: (None, 2018028, 2018027, 2018021, 1545041),
    230: (None,),
    341: (None,),
    368: (None,),
    551: (None, 1545041),
    613: (None, 1893016, 2018338, 2534040),
    1200: (None,),
    10303: (None,),
    80001: (None,),
    80006: (None,),
}


def test_each_documented_error_is_a_fault_or_follows_from_the_request(
    graph: FlaskClient, ana: Person
) -> None:
    def code_of(
        content: dict[str, Any], path: str = "/v26.0/me/messages"
    ) -> tuple[int, int | None]:
        error = graph.post(path, json=content).get_json()["error"]
        return error["code"], error.get("error_subcode")

    to, text = {"recipient": {"id": ana.psid}}, {"text": "hello"}
    bare = {"template_type": "generic", "elements": [{"title": "a"}]}
    card = {"attachment": {"type": "template", "payload": bare}}
    replies = [{"content_type": "text", "title": "a", "payload": "a"}] * 14
    followed = {
        code_of({}, "/v26.0/999"),
        code_of({"recipient": {"id": "1"}, "message": text}),
        code_of({**to, "message": text, "sender_action": "typing_on"}),
        code_of({**to, "message": card}),
        code_of({**to, "message": {**text, "quick_replies": replies}}),
    }
    switched = {
        (fault.error.code, fault.error.subcode)
        for fault in FAULTS.values()
        if fault.error is not None
    }

    documented = {(code, sub) for code, subs in DOCUMENTED_ERRORS.items() for sub in subs}
    assert {(100, 33), (100, 2018001), (100, 2018014), (100, 2018035), (105, None)} == followed
    assert documented == switched | followed
    assert () == ana.thread.messages


def test_the_documented_example_of_an_error_has_the_members_that_are_answered(
    graph: FlaskClient, emulator: Emulator
) -> None:
    """
    https://developers.facebook.com/docs/graph-api/guides/error-handling; optional members may be
    absent.
    """
    emulator.faults.turn_on("graph-190-463")

    error = graph.get("/v26.0/me").get_json()["error"]

    assert {"message", "type", "code", "error_subcode", "fbtrace_id"} == set(error)
