import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from responses import matchers
from responses.registries import OrderedRegistry

from app.messenger.errors import (
    GraphError,
    GraphRefused,
    GraphThrottled,
    GraphUnavailable,
    TokenDead,
)
from app.messenger.graph.transport import Call, GraphTransport, Observation
from tests.messenger.loopback import hang_up, peer

ME = "https://graph.facebook.com/v26.0/me"
ASK = Call(name="ask", method="GET", path="/me", may_repeat=True)
TELL = Call(name="tell", method="POST", path="/me", body={"a": 1})

SECRET = "60efff025951cddde78c8d03de52cc90"
# Of the length of real ones: in what Graph says, shorter words are not taken for tokens.
PAGE_TOKEN = "EAAGm0PX4ZCpsBAKZCqSecretOfThePage"
LINKING_TOKEN = "ARSecretOfOnePersonForFiveMinutes"
ASK_WITH_SECRETS = Call(
    name="ask", method="GET", path="/me", params={"account_linking_token": LINKING_TOKEN}
)


@pytest.fixture
def platform() -> Iterator[responses.RequestsMock]:
    """Yield Graph, which answers in the order given; a test fails that does not ask for all."""
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        yield mock


def error(code: int, message: str = "m") -> dict[str, Any]:
    return {"error": {"message": message, "type": "OAuthException", "code": code}}


def test_a_call_carries_token_and_proof(platform: responses.RequestsMock) -> None:
    """
    R103: the token in a header, since addresses end up in logs; the vector for the proof was
    computed apart from this code.
    """
    proof = "077ecd16e3a8db734481f1a5d7a0f48cdf2ca1a1a592130532b578110783b642"
    platform.get(
        ME,
        json={"id": "1"},
        match=[
            matchers.header_matcher(
                {"Authorization": "Bearer EAAtesttoken", "Accept-Encoding": "identity"}
            ),
            matchers.query_param_matcher({"appsecret_proof": proof}),
        ],
    )

    assert {"id": "1"} == GraphTransport(token="EAAtesttoken", app_secret=SECRET).send(ASK)


@pytest.mark.parametrize("app_secret", [None, ""], ids=["none", "empty"])
def test_without_an_app_secret_there_is_no_proof(
    platform: responses.RequestsMock, app_secret: str | None
) -> None:
    """
    Graph refuses a wrong proof also where it asks for none.
    """
    platform.get(ME, json={}, match=[matchers.query_param_matcher({})])

    assert {} == GraphTransport(token="PAGE", app_secret=app_secret).send(ASK)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8002", "http://127.0.0.1:8002/"])
def test_base_and_version_are_settings(platform: responses.RequestsMock, base_url: str) -> None:
    platform.get("http://127.0.0.1:8002/v21.0/me", json={})

    assert {} == GraphTransport(token="PAGE", base_url=base_url, version="v21.0").send(ASK)


def test_a_call_may_have_a_version_of_its_own(platform: responses.RequestsMock) -> None:
    platform.get("https://graph.facebook.com/v2.6/me", json={})

    answer = GraphTransport(token="PAGE").send(
        Call(name="ask", method="GET", path="/me", version="v2.6")
    )

    assert {} == answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(platform: responses.RequestsMock, status: int) -> None:
    """
    R103: it would carry the page token to another host.
    """
    platform.post(ME, status=status, json={}, headers={"Location": "http://169.254.169.254/"})

    with pytest.raises(GraphUnavailable):
        GraphTransport(token="PAGE").send(TELL)

    assert 1 == len(platform.calls)


def test_the_environment_has_no_say(
    platform: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A .netrc would replace our token, and a proxy hear it.
    """
    netrc = tmp_path / "netrc"
    netrc.write_text("machine graph.facebook.com login a password b")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(netrc))
    kwargs = {"proxies": {}, "verify": True, "stream": True}
    platform.get(
        ME,
        json={},
        match=[
            matchers.header_matcher({"Authorization": "Bearer PAGE"}),
            matchers.request_kwargs_matcher(kwargs),
        ],
    )

    assert {} == GraphTransport(token="PAGE").send(ASK)


def test_cookies_are_not_kept(platform: responses.RequestsMock) -> None:
    """
    What one answer says must not colour the next call.
    """
    platform.get(ME, json={}, headers={"Set-Cookie": "a=b; Path=/"})
    platform.get(ME, json={})
    graph = GraphTransport(token="PAGE")

    graph.send(ASK)
    graph.send(ASK)

    assert "Cookie" not in platform.calls[1].request.headers


def test_a_token_with_a_foreign_sign_is_graphs_to_refuse() -> None:
    """
    Pasted with a dash that an editor made of a hyphen: no UnicodeEncodeError, which would quote it.
    """
    answer = b"HTTP/1.1 400 Bad Request\r\n\r\n", json.dumps(error(190)).encode()

    with peer(hang_up(*answer)) as base_url, pytest.raises(TokenDead):
        GraphTransport(token="EAA\u2013page", base_url=base_url).send(ASK)


@pytest.mark.parametrize(
    "trouble",
    [
        {"body": requests.ConnectionError(f"reset: {ME}?{LINKING_TOKEN}")},
        {"body": requests.ReadTimeout("read")},
        {"body": requests.exceptions.SSLError("handshake")},
        {"status": 500, "body": "<html>"},
        {"status": 400, "json": error(2)},
        {"status": 200, "body": ""},
    ],
    ids=["reset", "time-out", "TLS", "HTML", "code 2", "empty"],
)
def test_what_is_safe_to_repeat_is_tried_three_times(
    platform: responses.RequestsMock, trouble: dict[str, Any]
) -> None:
    """
    R104: with pauses that differ, so that many who failed at once do not come back at once.
    """
    pauses: list[float] = []
    for _ in range(3):
        platform.get(ME, **trouble)

    with pytest.raises(GraphUnavailable):
        GraphTransport(token="PAGE", pause=pauses.append).send(ASK)

    assert 2 == len(set(pauses))
    assert 0 < pauses[0] < pauses[1] < 1


def test_the_first_good_answer_ends_the_tries(platform: responses.RequestsMock) -> None:
    platform.get(ME, body=requests.ConnectionError())
    platform.get(ME, json={"id": "1"})

    assert {"id": "1"} == GraphTransport(token="PAGE", pause=lambda _: None).send(ASK)


def test_what_is_not_safe_to_repeat_is_tried_once(platform: responses.RequestsMock) -> None:
    """
    R104: a message whose answer was lost may have arrived.
    """
    platform.post(ME, body=requests.ReadTimeout())

    with pytest.raises(GraphUnavailable):
        GraphTransport(token="PAGE").send(TELL)

    assert 1 == len(platform.calls)


@pytest.mark.parametrize("code", [100, 190, 10303, 551, 4, 613, 80006])
def test_a_refusal_is_not_repeated(platform: responses.RequestsMock, code: int) -> None:
    """
    R104: and no storm of calls where Graph asks to be left in peace.
    """
    platform.get(ME, status=400, json=error(code))

    with pytest.raises((GraphRefused, GraphThrottled)):
        GraphTransport(token="PAGE").send(ASK)

    assert 1 == len(platform.calls)


def test_a_throttled_call_tells_how_long_to_wait(platform: responses.RequestsMock) -> None:
    """
    R104: wait for as long as Graph asks.
    """
    usage = '{"1":[{"type":"messenger","call_count":100,"estimated_time_to_regain_access":19}]}'
    platform.get(ME, status=400, json=error(80006), headers={"X-Business-Use-Case-Usage": usage})

    with pytest.raises(GraphThrottled) as raised:
        GraphTransport(token="PAGE").send(ASK)

    assert 19 * 60 == raised.value.wait_s


def test_every_try_is_observed(platform: responses.RequestsMock) -> None:
    """
    R104: the operator hears of trouble that repeating has hidden.
    """
    seen: list[Observation] = []
    platform.get(ME, status=500, json=error(2))
    platform.get(ME, json={}, headers={"X-App-Usage": '{"call_count":28}'})

    GraphTransport(token="PAGE", observe=seen.append, pause=lambda _: None).send(ASK)

    assert [("ask", "GraphUnavailable", 2), ("ask", "ok", None)] == [
        (one.call, one.outcome, one.code) for one in seen
    ]
    assert {"app": 28} == seen[1].usage.percents


@pytest.mark.parametrize(
    "trouble",
    [
        {"body": requests.ConnectionError(f"{ME}?{LINKING_TOKEN} {PAGE_TOKEN}")},
        {"json": error(190, f"Malformed access token {PAGE_TOKEN}"), "status": 400},
        {"json": error(100, f"Bad account_linking_token={LINKING_TOKEN}"), "status": 400},
        {"body": LINKING_TOKEN},
    ],
    ids=["connection", "token quoted", "parameter quoted", "no JSON"],
)
def test_no_error_shows_a_secret(platform: responses.RequestsMock, trouble: dict[str, Any]) -> None:
    """
    R110: errors end up in logs, with their traceback.
    """
    platform.get(ME, **trouble)

    with pytest.raises(GraphError) as raised:
        GraphTransport(token=PAGE_TOKEN, app_secret=SECRET).send(ASK_WITH_SECRETS)

    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert_no_secret_in(shown)
    assert "graph.facebook.com" not in shown


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nX\r\n\r\n{}", b"nonsense\r\n"]
)
def test_no_log_line_shows_a_secret(caplog: pytest.LogCaptureFixture, head: bytes) -> None:
    """
    R110: urllib3 logs addresses when debugging, and when it cannot read a header always.
    """
    caplog.set_level(logging.DEBUG)

    with peer(hang_up(head)) as base_url:
        graph = GraphTransport(token=PAGE_TOKEN, app_secret=SECRET, base_url=base_url)
        with suppress(GraphUnavailable):
            graph.send(ASK_WITH_SECRETS)

    assert_no_secret_in(caplog.text)


def test_no_repr_shows_a_secret() -> None:
    """
    R110: a repr is what a debugger and a log line show.
    """
    graph = GraphTransport(token=PAGE_TOKEN, app_secret=SECRET)

    assert_no_secret_in(repr((graph, ASK_WITH_SECRETS)))


def assert_no_secret_in(shown: str) -> None:
    for secret in (PAGE_TOKEN, LINKING_TOKEN, SECRET, "appsecret_proof"):
        assert secret not in shown
