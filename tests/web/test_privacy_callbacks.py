"""The privacy callbacks: nothing happens but by a signature, and nothing twice."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import structlog
from sqlalchemy import select

from app.infra import clock
from app.messenger.signed_request import MOST_AGE
from app.outbox.models import OutboxRow
from app.privacy.models import PrivacyRequest
from app.privacy.requests import ITEM_KIND
from app.services.container import Services
from tests.browsers import Answer, Browser
from tests.conftest import on_sqlite
from tests.installation import ENVIRONMENT, PUBLIC_URL
from tests.privacy.factories import USER_ID, asked, count, signed_request

DELETION, DEAUTHORIZE = "/privacy/data-deletion", "/privacy/deauthorize"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def post(client: Browser, path: str, *fields: str, **headers: str) -> Answer:
    body = urlencode([("signed_request", text) for text in fields]).encode()
    return client("POST", path, body=body, headers={**FORM, **headers})


def told(answer: Answer) -> dict[str, str]:
    assert 200 == answer.status
    content: dict[str, str] = json.loads(answer.body)
    return content


def test_a_deletion_is_answered_at_once_and_left_to_the_worker(
    client: Browser, services: Services
) -> None:
    said = asked(clock.now() - timedelta(hours=2))
    content = told(post(client, DELETION, signed_request(said)))

    code = content["confirmation_code"]
    assert content == {
        "url": f"{PUBLIC_URL}/privacy/deletion?code={code}",
        "confirmation_code": code,
    }
    assert code.isalnum()
    row = services.read(lambda session: session.scalars(select(PrivacyRequest)).one())
    item = services.read(lambda session: session.scalars(select(OutboxRow)).one())
    assert ("deletion", "received", USER_ID) == (row.kind, row.state, row.user_id)
    assert (ITEM_KIND, row.reference.encode()) == (item.kind, item.body)
    # By Meta's clock, by which links are made as well.
    assert said["issued_at"] == row.asked_at.timestamp()
    assert code not in str(vars(row))


@on_sqlite
def test_deauthorize_is_answered_without_a_body(client: Browser, services: Services) -> None:
    answer = post(client, DEAUTHORIZE, signed_request())

    assert (200, b"") == (answer.status, answer.body)
    assert 1 == count(services, PrivacyRequest)


def test_a_repeat_gets_the_same_answer_and_does_nothing(
    client: Browser, services: Services
) -> None:
    signed = signed_request()

    first, second = (told(post(client, DELETION, signed)) for _ in range(2))

    assert first == second
    assert (1, 1) == (count(services, PrivacyRequest), count(services, OutboxRow))


@on_sqlite
def test_what_one_callback_was_sent_does_not_stand_for_the_other(
    client: Browser, services: Services
) -> None:
    """Meta may post both at the same second: they are two requests."""
    signed = signed_request()
    post(client, DEAUTHORIZE, signed)

    told(post(client, DELETION, signed))

    assert 2 == count(services, PrivacyRequest)


REFUSED = {
    "wrong secret": signed_request(secret="another"),
    "padded": f"{signed_request()}=",
    "other algorithm": signed_request(asked(algorithm="none")),
    "stale": signed_request(asked(clock.now() - MOST_AGE - timedelta(hours=1))),
    "ahead": signed_request(asked(clock.now() + timedelta(days=1))),
    "no user id": signed_request(asked(user_id=None)),
    "of a login": signed_request(asked(code="x")),
    "deep JSON": signed_request(raw=b"[" * 3000),
    "empty": "",
}


@on_sqlite
def test_all_that_is_wrong_with_it_has_one_answer(client: Browser, services: Services) -> None:
    bodies = {name: urlencode({"signed_request": text}) for name, text in REFUSED.items()}
    bodies["not UTF-8"] = "signed_request=%FF"

    answers = {
        (name, path): client("POST", path, body=body.encode(), headers=FORM)
        for name, body in bodies.items()
        for path in (DELETION, DEAUTHORIZE)
    }

    seen = {key: (answer.status, json.loads(answer.body)) for key, answer in answers.items()}
    assert dict.fromkeys(answers, (403, {"error": "bad_signature"})) == seen
    assert (0, 0) == (count(services, PrivacyRequest), count(services, OutboxRow))


FIELD = urlencode({"signed_request": signed_request()})
# Body, type, query, and the status of the answer.
FORMS = {
    "twice in one form": (f"{FIELD}&{FIELD}", FORM, "", 400),
    "another behind it": (f"{FIELD}&signed_request=x", FORM, "", 400),
    "another field": (f"{FIELD}&more=1", FORM, "", 400),
    "a nameless field": (f"{FIELD}&", FORM, "", 400),
    "another name": (FIELD.replace("signed", "Signed"), FORM, "", 400),
    "no field": ("", FORM, "", 400),
    "in the query too": (FIELD, FORM, f"?{FIELD}", 400),
    "in the query only": ("", FORM, f"?{FIELD}", 400),
    "as JSON": (FIELD, {"Content-Type": "application/json"}, "", 415),
    "as text": (FIELD, {"Content-Type": "text/plain"}, "", 415),
    "of no type": (FIELD, {}, "", 415),
    "4 MiB": (FIELD + "x" * 4 * 1024 * 1024, FORM, "", 413),
    "a hundred fields": (FIELD + "&a=" * 100, FORM, "", 400),
}


@on_sqlite
def test_another_form_is_not_read(client: Browser, services: Services) -> None:
    answers = {
        (name, path): client("POST", path + query, body=body.encode(), headers=headers)
        for name, (body, headers, query, _) in FORMS.items()
        for path in (DELETION, DEAUTHORIZE)
    }

    assert {key: FORMS[key[0]][3] for key in answers} == {
        key: answer.status for key, answer in answers.items()
    }
    assert not any(FIELD.encode() in answer.body for answer in answers.values())
    assert (0, 0) == (count(services, PrivacyRequest), count(services, OutboxRow))


@on_sqlite
def test_only_a_post_is_a_callback(client: Browser, services: Services) -> None:
    statuses = {
        client(method, f"{path}?{FIELD}").status
        for path in (DELETION, DEAUTHORIZE)
        for method in ("GET", "HEAD", "PUT", "DELETE")
    }

    assert {405} == statuses
    assert 0 == count(services, PrivacyRequest)


@on_sqlite
def test_the_log_says_why_and_names_nobody(client: Browser, services: Services) -> None:
    with structlog.testing.capture_logs() as lines:
        code = told(post(client, DELETION, signed_request()))["confirmation_code"]
        post(client, DELETION, signed_request(asked(algorithm="none")))

    of_us = [line for line in lines if line["event"].startswith("privacy.")]
    assert [("privacy.refused", "algorithm")] == [(line["event"], line["reason"]) for line in of_us]
    assert USER_ID not in str(lines)
    assert code not in str(lines)
    assert ENVIRONMENT["APP_SECRET"] not in str(lines)
    assert 1 == count(services, PrivacyRequest)
