"""Whatever keeps Messenger's requests from the webhook is in the log, with cause and fix (R87)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import URL
from structlog.testing import capture_logs

from app import create_app
from app.infra.observability.log_sampling import ONCE
from app.services.container import Services, build
from tests.conftest import on_sqlite
from tests.installation import ENVIRONMENT, settings_for
from tests.web.gateway_client import GatewayClient, gateway_of

HERE = "link.shop.example"
SIGNED = {"X-Hub-Signature-256": "sha256=" + "0" * 64, "User-Agent": "facebookexternalua"}
VIA = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
HANDSHAKE = "hub.mode=subscribe&hub.verify_token=canary-wrong-token&hub.challenge=1"
Asks = Callable[..., tuple[int, str, list[Any]]]


@pytest.fixture(params=["serve", "run"])
def asks(request: pytest.FixtureRequest, database: URL) -> Iterator[Asks]:
    """Yield a client of a public server behind a proxy, by its gateway or by Flask alone."""
    opened: list[Services] = []

    def asks(
        method: str, path: str, headers: dict[str, str], proxies: str = "1", **more: str
    ) -> tuple[int, str, list[Any]]:
        known = {"PUBLIC_URL": f"https://{HERE}", "TRUSTED_PROXIES": proxies, **more}
        built = build(settings_for(database, **known))
        opened.append(built)
        app = create_app(built)
        with capture_logs() as lines:
            if request.param == "serve":
                client = GatewayClient(gateway_of(app, built), f"http://{HERE}")
                answer = client(method, path, headers=headers)
                status, text = answer.status, answer.text
            else:
                status, text = _flask(app, method, path, headers)
        return status, text, lines

    yield asks
    for built in opened:
        built.close()


def _flask(app: Flask, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    answer = app.test_client(use_cookies=False).open(
        path, method=method, headers={"Host": HERE, **headers}
    )
    return answer.status_code, answer.text


def _warnings(lines: list[Any]) -> list[dict[str, Any]]:
    found = [line for line in lines if line["event"] in ONCE]
    assert all(line["log_level"] == "warning" and line["fix"] for line in found)
    assert "canary" not in str(found)
    return found


@on_sqlite
@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("POST", "/webhook/", "/webhook/"),
        ("POST", "/", "/"),
        ("POST", "/webhooks", "/webhooks"),
        ("POST", "/prod/webhook", "a prefix and /webhook"),
        ("POST", "/canary-secret-path", "another path"),
        ("GET", f"/?{HANDSHAKE}", "/"),
        ("GET", f"/webhook/?{HANDSHAKE}", "/webhook/"),
    ],
)
def test_a_delivery_to_another_path_is_told(
    asks: Asks, method: str, path: str, reason: str
) -> None:
    """A path that is not a usual one is not repeated: it may be somebody's secret."""
    headers = {**VIA, **(SIGNED if method == "POST" else {})}
    _, _, lines = asks(method, path, headers)

    (warning,) = _warnings(lines)
    assert ("webhook.wrong_path", reason) == (warning["event"], warning["reason"])
    assert "/webhook" in warning["fix"]


@on_sqlite
@pytest.mark.parametrize("path", ["/", "/nothing", "/webhook/", "/authorize?hub=1"])
def test_what_is_not_messengers_is_no_delivery(asks: Asks, path: str) -> None:
    """A scanner's 404 is no warning."""
    _, _, lines = asks("GET", path, VIA)

    assert [] == _warnings(lines)


CAUSES = [
    ("0", VIA, "TRUSTED_PROXIES is 0"),
    ("1", {"X-Forwarded-For": "203.0.113.9"}, "X-Forwarded-Proto is missing"),
    ("1", {"Forwarded": "for=203.0.113.9;proto=https"}, "the proxy sends Forwarded"),
    ("2", VIA, "X-Forwarded-Proto has fewer values"),
    ("1", {"X-Forwarded-Proto": "https, http"}, "X-Forwarded-Proto has more values"),
    ("1", {"X-Forwarded-Proto": "on"}, "X-Forwarded-Proto has a value that is neither"),
]
OF_FORWARDED = [
    ("1", {}, "Forwarded is missing"),
    ("1", VIA, "the proxy sends X-Forwarded-Proto, and no Forwarded"),
    ("2", {"Forwarded": "for=192.0.2.9;proto=https"}, "Forwarded has fewer values"),
    ("1", {"Forwarded": "for=192.0.2.9"}, "Forwarded has a value that is neither"),
    ("1", {"Forwarded": "proto=https, proto=http"}, "Forwarded has more values"),
]
# What else tells of https, with X-Forwarded-Proto: http of a proxy behind the first one.
HINTS = [
    {"X-Forwarded-Ssl": "on"},
    {"Front-End-Https": "On"},
    {"CF-Visitor": '{"scheme":"https"}'},
    {"X-Forwarded-Port": "443"},
    {"Forwarded": "for=192.0.2.9;proto=https"},
    {"Cookie": "__Host-attempt-1=x"},
]


@on_sqlite
@pytest.mark.parametrize(("proxies", "headers", "reason"), CAUSES)
@pytest.mark.parametrize("request_line", ["POST /webhook", f"GET /webhook?{HANDSHAKE}"])
def test_a_delivery_that_is_not_seen_to_come_by_https_is_told(
    asks: Asks, proxies: str, headers: dict[str, str], reason: str, request_line: str
) -> None:
    """R87, R39: refused as before, with nothing but the status."""
    status, text, lines = asks(*request_line.split(), {**headers, **SIGNED}, proxies)

    assert 403 == status
    assert "TRUSTED_PROXIES" not in text
    (warning,) = _warnings(lines)
    assert "request.not_https" == warning["event"]
    assert warning["reason"].startswith(reason)


@on_sqlite
@pytest.mark.parametrize(
    ("proxies", "headers", "reason"),
    [
        *CAUSES,
        ("1", {"X-Forwarded-Proto": "http", "Sec-Fetch-Site": "none"}, "X-Forwarded-Proto says"),
    ],
)
def test_a_page_is_never_redirected_to_itself(
    asks: Asks, proxies: str, headers: dict[str, str], reason: str
) -> None:
    """R87: the redirect would come back just like that, for ever; so the page says what is wrong.

    A browser sends Sec-Fetch-Site over https alone, so it did come by it.
    """
    status, text, lines = asks("GET", "/", headers, proxies)

    assert 421 == status
    assert "https" in text
    assert not [secret for secret in ENVIRONMENT.values() if len(secret) > 20 and secret in text]
    (warning,) = _warnings(lines)
    assert warning["reason"].startswith(reason)


@on_sqlite
@pytest.mark.parametrize(("proxies", "headers", "reason"), OF_FORWARDED)
def test_a_page_says_what_is_wrong_with_forwarded(
    asks: Asks, proxies: str, headers: dict[str, str], reason: str
) -> None:
    """R87: the fix names what fits the header that is read."""
    status, _, lines = asks("GET", "/", headers, proxies, FORWARDED_HEADER="forwarded")

    assert 421 == status
    (warning,) = _warnings(lines)
    assert warning["reason"].startswith(reason)
    if headers is VIA:
        assert "FORWARDED_HEADER=x-forwarded" in warning["fix"]


@on_sqlite
def test_with_forwarded_alone_a_page_is_shown_once_a_setting_names_it(asks: Asks) -> None:
    """R86: and the advice says so."""
    headers = {"Forwarded": "for=192.0.2.9;proto=https"}

    status, _, lines = asks("GET", "/", headers)
    (warning,) = _warnings(lines)
    assert 421 == status
    assert "FORWARDED_HEADER=forwarded" in warning["fix"]

    assert 200 == asks("GET", "/", headers, FORWARDED_HEADER="forwarded")[0]


@on_sqlite
@pytest.mark.parametrize("hint", HINTS, ids=str)
def test_a_proxy_that_forgets_https_is_told_to_clients_without_fetch_metadata(
    asks: Asks, hint: dict[str, str]
) -> None:
    """R87: Safari sends none before 16.4. The hint prevents the redirect, and is not believed."""
    status, _, lines = asks("GET", "/", {"X-Forwarded-Proto": "http", **hint})

    assert 421 == status
    assert "X-Forwarded-Proto says http" in _warnings(lines)[0]["reason"]


@on_sqlite
def test_who_comes_by_plain_http_is_redirected_and_nobody_warned(asks: Asks) -> None:
    """R87."""
    status, _, lines = asks("GET", "/", {"X-Forwarded-Proto": "http"})

    assert (308, []) == (status, _warnings(lines))


@on_sqlite
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("iv_server_name", "canary", "iv_server_name"),
        ("Expect", "canary", "Expect"),
        ("Cookie", "canary=1;" * 300, "Cookie"),
    ],
)
def test_a_refused_header_is_told_by_its_name(
    database: URL, name: str, value: str, told: str
) -> None:
    """R88: not its value; the gateway refuses it, in front of Flask."""
    built = build(settings_for(database))
    client = GatewayClient(gateway_of(create_app(built), built), "http://127.0.0.1:8000")
    with capture_logs() as lines:
        answer = client("POST", "/webhook", headers={**SIGNED, name: value})
    built.close()

    assert answer.status in {400, 417, 431}
    assert told not in answer.text
    (warning,) = _warnings(lines)
    assert ("door.header_refused", told) == (warning["event"], warning["header"])
    assert "drop" in warning["fix"]


@on_sqlite
def test_the_webhook_in_a_browser_says_what_it_is(asks: Asks) -> None:
    status, text, lines = asks("GET", "/webhook?x=1", VIA)

    assert (200, []) == (status, lines)
    assert text.startswith("This is the webhook")


@on_sqlite
@pytest.mark.parametrize("query", [HANDSHAKE, "hub.mode=subscribe", "hub.challenge=1"])
def test_a_failed_handshake_is_told_nothing(asks: Asks, query: str) -> None:
    """R39."""
    assert (403, "") == asks("GET", f"/webhook?{query}", VIA)[:2]
