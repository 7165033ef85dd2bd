"""docs/deploy's nginx.conf, Caddyfile and haproxy.cfg before `threadlink serve`: what passes."""

import json
from pathlib import Path

import pytest

from tests.actors import log_in
from tests.deploy.conftest import Tapped
from tests.deploy.proxies import NAME, Front, standing
from tests.deploy.tap import tapping
from tests.shipped import Shipped

# How a client may spell the paths of those who get no way round the proxy's rules.
RESPELLED = ("//webhook", "/%77ebhook", "//api/v1/links/changes", "/%6detrics", "//readyz")


def test_the_scheme_and_every_header_pass_the_proxy(front: Front) -> None:
    """
    R72-R79 hold for what leaves the proxy, not only for what leaves the server.
    """
    answer = front.asks("GET", "/")

    assert 200 == answer.status_code
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "nosniff" == answer.headers["X-Content-Type-Options"]
    # HAProxy has no such header, and Threadlink's does not pass.
    assert front.program == answer.headers.get("Server", "haproxy").lower()


def test_only_the_proxy_states_the_client_s_address(tapped: Tapped) -> None:
    """
    R86: a client's own claim about its address never reaches the server.
    """
    lies = {
        "X-Forwarded-For": "203.0.113.7",
        "X_Forwarded_For": "203.0.113.8",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "81",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=203.0.113.9",
    }

    assert 200 == tapped.front.asks("GET", "/", headers=lies).status_code

    (told,) = tapped.tap.heads()
    assert ("127.0.0.1", "https", NAME) == (
        told["x-forwarded-for"],
        told["x-forwarded-proto"],
        told["host"],
    )
    assert set(told).isdisjoint(
        {
            "forwarded",
            "x_forwarded_for",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-forwarded-prefix",
        }
    )
    assert b"203.0.113" not in tapped.tap.sent
    assert b"evil" not in tapped.tap.sent


def test_no_log_contains_a_token(server: Shipped, alone: Front, tmp_path: Path) -> None:
    """
    R110: the default formats of nginx and HAProxy log the query, nginx and Caddy log it with
    errors.
    """
    login = log_in()
    folder = tmp_path / "before"
    folder.mkdir()
    with standing(alone.program, server.port, folder) as front:
        assert 303 == front.asks("GET", login.address()).status_code
        logs = front.logs()
    canary = {"Referer": login.address(), "Cookie": "attempt-1=canary-cookie"}

    assert alone.asks("GET", login.address(), headers=canary).status_code in {502, 503}

    logs += alone.logs()
    assert "/authorize" in logs
    assert [] == [secret for secret in (login.account_linking_token, "canary") if secret in logs]


def test_a_failure_is_logged_with_its_path(alone: Front) -> None:
    """
    Keeping tokens out of the log must leave what an operator needs.
    """
    alone.asks("GET", "/healthz")

    logs = alone.logs()
    if alone.program != "caddy":
        assert f"GET /healthz {502 if alone.program == 'nginx' else 503}" in logs
    else:
        (noted,) = [line for line in logs.splitlines() if "http.log.error" in line]
        assert ("/healthz", 502) == (
            json.loads(noted)["request"]["uri"],
            json.loads(noted)["first_error"]["status"],
        )


def test_plain_http_is_redirected_to_https(tapped: Tapped) -> None:
    """R87: to the name in the configuration, whatever Host the client names."""
    answer = tapped.front.asks_in_clear("/x?y=1")

    assert answer.status_code in {301, 308}
    assert f"https://{NAME}/x?y=1" == answer.headers["Location"]
    assert b"" == tapped.tap.sent


@pytest.mark.parametrize("path", ["/api/v1/links/changes", "/webhook", "//webhook", "/%77ebhook"])
def test_plain_http_of_programs_is_refused(front: Front, path: str) -> None:
    """R87: with a redirect, every call would send its key unencrypted, unnoticed."""
    answer = front.asks_in_clear(path, Authorization="Bearer canary-key")

    assert 403 == answer.status_code
    assert "Location" not in answer.headers
    assert "canary" not in answer.text


def test_metrics_and_readiness_are_not_public(tapped: Tapped) -> None:
    """F16's kind: what is for this machine alone costs a stranger's request nothing here."""
    bearer = {"Authorization": "Bearer canary-metrics-token"}

    for path in ("/metrics", "/metrics?x=1", "/readyz", "/readyz?x=1"):
        assert 404 == tapped.front.asks("GET", path, headers=bearer).status_code, path
    assert b"" == tapped.tap.sent


def test_a_path_has_one_spelling(tapped: Tapped) -> None:
    """A rule for one path is not to be walked around by another spelling of it."""
    for path in RESPELLED:
        raw = f"POST {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"
        (answer,) = tapped.front.answers_to(raw.encode())
        assert 404 == answer.status, path
    assert b"" == tapped.tap.sent

    # A query may contain both.
    assert 200 == tapped.front.asks("GET", "/?next=//a%20b").status_code


def test_haproxy_s_check_finds_the_server_ready(server: Shipped, tmp_path: Path) -> None:
    """The way to several machines that its comment shows: /readyz is asked from inside."""
    with tapping(server.port) as tap:
        line = f"server one 127.0.0.1:{tap.port}\n"
        checking = {f"{line}    #": f"{line.rstrip()} check inter 100ms\n    #"}
        with standing("haproxy", tap.port, tmp_path, checking):
            assert tap.has_answered.wait(30)

    assert tap.sent.startswith(b"GET /readyz HTTP/1.1\r\n")
    assert tap.answered.startswith(b"HTTP/1.1 200 OK\r\n")
