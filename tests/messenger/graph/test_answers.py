import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messenger.errors import (
    GraphError,
    GraphRefused,
    GraphThrottled,
    GraphUnavailable,
    LinkingTokenRefused,
    PageRestricted,
    PermissionMissing,
    RegionRefused,
    TokenDead,
    WindowClosed,
)
from app.messenger.graph.answers import decipher

SAMPLES = Path(__file__).parents[2] / "samples" / "graph"
DOCUMENTED = json.loads((SAMPLES / "errors.json").read_text())


def error(status: int = 400, **fields: Any) -> GraphError:
    body = {"error": {"message": "m", "type": "OAuthException", "code": 100} | fields}
    with pytest.raises(GraphError) as raised:
        decipher(status, json.dumps(body).encode())
    return raised.value


@pytest.mark.parametrize("sample", DOCUMENTED, ids=lambda sample: sample["source"])
def test_a_documented_error_says_again_or_not(sample: Mapping[str, Any]) -> None:
    """
    R104: the caller must know whether to retry.
    """
    body = sample["body"]["error"]

    with pytest.raises(GraphError) as raised:
        decipher(sample["status"], json.dumps(sample["body"]).encode())

    assert sample["means"] == type(raised.value).__name__
    assert body["code"] == raised.value.code
    assert body.get("error_subcode") == raised.value.subcode
    assert body.get("fbtrace_id") == raised.value.trace_id
    assert sample["status"] == raised.value.status


def test_a_good_answer_is_its_object() -> None:
    assert {"id": "1", "recipient": "2"} == decipher(200, b'{"id":"1","recipient":"2"}')


def test_half_an_emoji_in_a_name_is_still_an_answer() -> None:
    """
    Else a person with such a name could never sign in.
    """
    assert {"first_name": "Ana \ufffd"} == decipher(200, rb'{"first_name":"Ana \ud83d"}')


@pytest.mark.parametrize("status", [200, 301, 302, 400, 403, 404, 500, 502, 503])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><html><title>Error</title>",
        b"true",
        b"null",
        b"[]",
        b'"ok"',
        b"1",
        b'{"a":NaN}',
        b"\xff\xfe",
        b"\x1f\x8b\x08\x00",
        b'{"result":"success"',
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":1e999}',
        b'{"error":null,"a":' + b"9" * 5_000 + b"}",
        b'{"error":"no"}',
        b'{"error":{}}',
        b'{"error":{"code":"190"}}',
        b'{"error":{"code":true}}',
        b'{"error":{"code":190.0}}',
        b'{"error":[190]}',
    ],
    ids=lambda content: repr(content[:25]),
)
def test_an_unreadable_answer_may_be_better_next_time(status: int, content: bytes) -> None:
    """
    R105: HTML from an edge, nothing, too much: a failure, and never an error of another kind.
    """
    with pytest.raises(GraphUnavailable) as raised:
        decipher(status, content)

    assert status == raised.value.status
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("status", [199, 301, 302, 304, 400, 404, 500])
def test_an_object_with_another_status_is_no_answer(status: int) -> None:
    """
    A redirect with a plausible body is not Graph's word.
    """
    with pytest.raises(GraphUnavailable):
        decipher(status, b'{"id":"1","recipient":"2"}')


def test_an_error_with_status_200_is_an_error() -> None:
    assert isinstance(error(200, code=10303), LinkingTokenRefused)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"code": 10, "error_subcode": 2018300}, GraphUnavailable),
        ({"code": 10, "error_subcode": 2018321}, GraphUnavailable),
        ({"code": 10, "error_subcode": 2018278}, WindowClosed),
        ({"code": 10, "error_subcode": 2018336}, RegionRefused),
        ({"code": 2018047}, RegionRefused),
        ({"code": 100, "error_subcode": 2018047}, GraphRefused),
        ({"code": 2018300}, GraphUnavailable),
        ({"code": 210}, TokenDead),
        *(({"code": code}, PermissionMissing) for code in (3, 10, 200, 230, 283, 299)),
        ({"code": 10, "error_subcode": 1893063}, PageRestricted),
        ({"code": 2, "error_subcode": 2018344}, PageRestricted),
        ({"code": 1, "is_transient": False}, GraphRefused),
        ({"code": 2, "is_transient": False}, GraphRefused),
        ({"code": 1, "error_subcode": 1929002, "is_transient": False}, PermissionMissing),
        ({"code": 100, "is_transient": True}, GraphUnavailable),
        *(({"code": code}, GraphThrottled) for code in (4, 17, 32, 613, *range(80000, 80015))),
    ],
    ids=repr,
)
def test_code_subcode_and_is_transient_choose_the_class(
    fields: dict[str, Any], kind: type[GraphError]
) -> None:
    """
    R104: a subcode counts like a code; is_transient is believed in both directions.
    """
    assert kind is type(error(**fields))


def test_html_with_status_429_asks_us_to_wait() -> None:
    with pytest.raises(GraphThrottled):
        decipher(429, b"<html>")


def test_a_refusal_with_a_server_error_may_be_better_next_time() -> None:
    """
    R104: 5xx is trouble on their side, whatever the body says.
    """
    assert type(error(500, code=100)) is GraphUnavailable
    assert type(error(400, code=100)) is GraphRefused


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("(#100) Param account_linking_url must be https", None),
        ("Malformed access token EAAGm0PX4ZCpsBAKZCq1234567890", "Malformed access token …"),
        ("Invalid URL http://a.b/c", "Invalid URL …"),
        ('"access_token=EAAGm0PX4ZCpsBAKZCq"', "…"),
        ("line\none\r\nX: y\x00\x1b[31m", "line one X: y [31m"),
        ("", "no reason given"),
    ],
    ids=["plain", "a token", "an address", "a parameter", "control characters", "empty"],
)
def test_the_words_of_graph_are_told_without_secrets(message: str, shown: str | None) -> None:
    """
    R110: the operator needs the reason; Graph may quote the token it was sent.
    """
    assert (message if shown is None else shown) == error(message=message).reason


def test_what_meta_writes_for_users_is_told_as_well() -> None:
    """It often says more than the message (fbsamples/workplace-platform-samples, issue 7)."""
    told = error(
        message="An unknown error occurred",
        error_user_title="Unable to subscribe",
        error_user_msg="You could not subscribe to some of the fields requested.\x00",
    )

    assert (
        "An unknown error occurred / Unable to subscribe: You could not subscribe to some of the "
        "fields requested."
    ) == told.reason
    assert "only" == error(message=None, error_user_msg="only").reason
    assert "no reason given" == error(message=None, error_user_title=1).reason


def test_an_error_shows_what_support_will_ask_for() -> None:
    shown = str(error(message="Nope", code=100, error_subcode=33, fbtrace_id="AbC/1"))

    assert "Nope (code 100, subcode 33, fbtrace_id AbC/1, HTTP 400)" == shown


@pytest.mark.parametrize(
    "fields",
    [
        {"message": None},
        {"message": 1},
        {"error_subcode": "33"},
        {"error_subcode": True},
        {"error_subcode": [2018001]},
        {"fbtrace_id": 1},
        {"fbtrace_id": "a b"},
        {"fbtrace_id": "a\n"},
        {"fbtrace_id": "x" * 65},
        {"is_transient": "true"},
        {"is_transient": 1},
    ],
    ids=repr,
)
def test_odd_details_do_not_hide_the_error(fields: dict[str, Any]) -> None:
    """
    R105: what has a wrong type is left out; the code decides.
    """
    raised = error(**fields)

    assert (GraphRefused, 100) == (type(raised), raised.code)
    assert (None, None) == (raised.subcode, raised.trace_id)


@given(st.integers(100, 599), st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_a_graph_error(status: int, content: bytes) -> None:
    """
    R105: never a 500 for the person.
    """
    with suppress(GraphError):
        assert isinstance(decipher(status, content), dict)
