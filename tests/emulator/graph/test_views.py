"""Parameters, tokens, proofs and unknown paths."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from app.emulator.webhooks import signing
from tests.emulator.conftest import OTHER_PAGE, PAGE, Person, error

TOKEN = "EAAharbour-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_parameters_may_come_as_json_form_or_query(graph: FlaskClient, ana: Person) -> None:
    """
    Meta's own samples use all of them, the last with its single quotes.
    """
    recipient, message = {"id": ana.psid}, {"text": "hello"}
    nested = {"recipient": json.dumps(recipient), "message": json.dumps(message)}
    quoted = {"recipient": f"{{'id':'{ana.psid}'}}", "message": "{'text':'hello'}"}
    path = "/v26.0/me/messages"

    answers = [
        graph.post(path, json={"recipient": recipient, "message": message}),
        graph.post(path, data=nested),
        graph.post(path, query_string=nested),
        graph.post(path, query_string=quoted),
    ]

    assert [200] * 4 == [answer.status_code for answer in answers]
    assert ["hello"] * 4 == [message.text for message in ana.thread.messages]


@pytest.mark.parametrize(
    ("how", "headers"),
    [
        ({"query_string": {"access_token": TOKEN}}, {}),
        ({"data": {"access_token": TOKEN}}, {}),
        ({"json": {"access_token": TOKEN}}, {}),
        ({}, BEARER),
    ],
    ids=["query", "form", "json", "bearer"],
)
def test_the_token_may_be_sent_in_four_ways(
    how: dict[str, Any], headers: dict[str, str], app: Flask
) -> None:
    answer = app.test_client().get("/v26.0/me", headers=headers, **how)

    assert {"id": PAGE, "name": "Harbour Coffee"} == answer.get_json()


def test_errors_have_the_documented_shape(app: Flask) -> None:
    answer = app.test_client().get("/v26.0/me?access_token=wrong")

    members = error(answer)
    trace = members.pop("fbtrace_id")
    assert 400 == answer.status_code
    assert {
        "message": "Invalid OAuth access token.",
        "type": "OAuthException",
        "code": 190,
    } == members
    assert 23 == len(trace)


def test_a_token_that_is_not_a_string_is_invalid(app: Flask) -> None:
    answer = app.test_client().post("/v26.0/me/messages", json={"access_token": "\ud83d"})

    assert 190 == error(answer)["code"]


def test_without_a_token_no_data_is_returned(app: Flask) -> None:
    answer = app.test_client().get("/v26.0/me")

    assert 2500 == error(answer)["code"]
    assert "Harbour" not in answer.text


def test_a_proof_is_checked_when_there_is_one(
    graph: FlaskClient, settings: EmulatorSettings
) -> None:
    proof = signing.appsecret_proof(TOKEN, settings.app_secret)

    right = graph.get(f"/v26.0/me?appsecret_proof={proof}")
    wrong = graph.get(f"/v26.0/me?appsecret_proof={proof[::-1]}")

    assert 200 == right.status_code
    assert (100, "GraphMethodException") == (error(wrong)["code"], error(wrong)["type"])
    assert "Invalid appsecret_proof provided in the API argument" == error(wrong)["message"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v26.0/me/nonsense", 2500),
        ("GET", "/nonsense", 2500),
        ("GET", "/v99.0/me", 2500),
        ("PUT", "/v26.0/me/messages", 100),
        ("POST", "/v26.0/me", 100),
        ("GET", f"/v26.0/{OTHER_PAGE}", 100),
        ("POST", f"/v26.0/{OTHER_PAGE}/messages", 100),
        ("POST", "/v26.0/100200300400500/subscriptions", 15),
    ],
)
def test_an_unknown_path_is_answered_with_an_error_object(
    method: str, path: str, code: int, graph: FlaskClient
) -> None:
    answer = graph.open(path, method=method)

    assert (400, code) == (answer.status_code, error(answer)["code"])


def test_a_body_that_is_not_a_json_object_is_refused(graph: FlaskClient) -> None:
    for body in ("{", "[]", "[" * 100_000):
        answer = graph.post("/v26.0/me/messages", data=body, content_type="application/json")

        assert 100 == error(answer)["code"]
