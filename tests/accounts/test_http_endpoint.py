import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from werkzeug.wrappers import Response

from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    CredentialsRefused,
)
from app.accounts.http_endpoint import HttpAuthenticator, HttpSettings
from app.accounts.identity import Identity
from app.infra.settings.parsing import webhook_secrets
from tests.accounts.password_endpoint import PROGRAMS, SECRET, Endpoint, answering, example

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PASSWORD = "gravel teapot under nineteen"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with answering() as endpoint:
        yield endpoint


def authenticator_for(url: str) -> HttpAuthenticator:
    settings = HttpSettings(name="shop", url=url, secrets=webhook_secrets(SECRET))
    return HttpAuthenticator(settings, now=lambda: NOON)


def said(subject: object, **more: object) -> Response:
    return Response(json.dumps({"subject": subject, **more}))


def test_a_yes_proves_who_somebody_is(endpoint: Endpoint) -> None:
    endpoint.answer = said("u-81", display_name="jane@example.com", email="other@example.com")

    identity = authenticator_for(endpoint.url).verify("jane", PASSWORD)

    assert Identity("http:shop", "u-81", "j•••@example.com") == identity


def test_without_a_display_name_what_was_typed_is_shown(endpoint: Endpoint) -> None:
    endpoint.answer = said("u-81")

    assert "z•••" == authenticator_for(endpoint.url).verify("zoe", PASSWORD).display_name


def test_the_question_is_signed_and_dated(endpoint: Endpoint) -> None:
    """Whoever else finds the address learns nothing from it, and an old question proves nothing."""
    endpoint.answer = said("u-81")

    authenticator_for(endpoint.url).verify("jané", PASSWORD)

    (asked,) = endpoint.asked
    body, headers = asked.get_data(), asked.headers
    assert {"username": "jané", "password": PASSWORD} == json.loads(body)
    assert str(int(NOON.timestamp())) == headers["webhook-timestamp"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert f"v1,{mac}" == headers["webhook-signature"]


@pytest.mark.parametrize(
    ("status", "cures_itself"),
    [
        *((status, False) for status in (201, 302, 400, 403, 404, 405)),
        *((status, True) for status in (408, 425, 429, 500, 503)),
    ],
)
def test_what_no_waiting_cures_is_told_from_an_outage(
    endpoint: Endpoint, status: int, *, cures_itself: bool
) -> None:
    """A wrong address or secret: the operator hears what to compare."""
    endpoint.answer = Response("{}", status=status)

    with pytest.raises(AuthenticatorUnavailable) as wrong:
        authenticator_for(endpoint.url).verify("jane", PASSWORD)

    assert f"status {status}" == wrong.value.reason
    assert cures_itself is not isinstance(wrong.value, AuthenticatorMisconfigured)
    assert ("HTTP_<NAME>_SECRET" in wrong.value.fix) is not cures_itself


@pytest.mark.parametrize("status", [401, 423])
def test_a_no_is_a_no_and_nothing_more(endpoint: Endpoint, status: int) -> None:
    """R60: a locked account gets the same page as a wrong password."""
    endpoint.answer = Response('{"subject": "u-81", "reason": "locked"}', status=status)

    with pytest.raises(CredentialsRefused) as refused:
        authenticator_for(endpoint.url).verify("jane", PASSWORD)

    assert () == refused.value.args


@pytest.mark.parametrize(
    "answer",
    [
        Response("{}", status=429),
        Response("{}", status=500),
        Response("{}", status=404),
        Response('{"subject": "u-81"}', status=201),
        Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        Response("<html>"),
        Response('["u-81"]'),
        Response("["),
        Response("[" * 100_000),
        Response("x" * 300_000),
        said(None),
        said(""),
        said(81),
        said(" u-81"),
        said("u\0"),
        said("u" * 256),
        said("u-81", display_name=7),
    ],
    ids=[
        "429",
        "500",
        "404",
        "201",
        "redirect",
        "HTML",
        "list",
        "cut off",
        "deep",
        "without end",
        "no subject",
        "empty",
        "number",
        "space",
        "NUL",
        "long",
        "name that is none",
    ],
)
def test_anything_else_is_no_answer(endpoint: Endpoint, answer: Response) -> None:
    """Nothing of it is believed, followed or quoted; the person may try again."""
    endpoint.answer = answer

    with pytest.raises(AuthenticatorUnavailable) as away:
        authenticator_for(endpoint.url).verify("jane", PASSWORD)

    assert "u-81" not in away.value.reason
    assert PASSWORD not in str(away.value)
    assert away.value.__cause__ is None


def test_an_endpoint_nobody_listens_at_is_away() -> None:
    with pytest.raises(AuthenticatorUnavailable):
        authenticator_for("http://127.0.0.1:1/").verify("jane", PASSWORD)


@pytest.mark.parametrize("username", ["", "jane\0", "\ud800", "j" * 255])
def test_nobody_is_asked_about_what_nobody_can_have(endpoint: Endpoint, username: str) -> None:
    """R63: what receives a NUL may take the name for a shorter one."""
    with pytest.raises(CredentialsRefused):
        authenticator_for(endpoint.url).verify(username, PASSWORD)

    assert [] == endpoint.asked


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_documented_examples_refuse_what_is_not_signed(language: str) -> None:
    with example(language) as url:
        settings = HttpSettings(name="shop", url=url, secrets=(b"another key of some length",))
        unsigned = HttpAuthenticator(settings, now=lambda: datetime.now(UTC))
        stale = authenticator_for(url)

        for wrong in (unsigned, stale):
            with pytest.raises(AuthenticatorUnavailable) as refused:
                wrong.verify("jane@example.com", PASSWORD)

            assert "status 403" == refused.value.reason
