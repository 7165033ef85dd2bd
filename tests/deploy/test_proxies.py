"""docs/deploy/nginx.conf and docs/deploy/Caddyfile, run by the real programs before a server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import URL

from app import create_app
from app.services.container import Services, build
from tests.actors import log_in
from tests.conftest import on_sqlite
from tests.deploy.proxies import NAME, Front, standing
from tests.installation import settings_for

pytestmark = [
    on_sqlite,
    pytest.mark.parametrize("front", ["nginx", "caddy"], indirect=True),
]


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    services = build(
        settings_for(
            database,
            PUBLIC_URL=f"https://{NAME}",
            TRUSTED_PROXIES="1",
            METRICS_TOKEN="canary-metrics-token",
        )
    )
    yield services
    services.close()


@pytest.fixture
def front(services: Services, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Front]:
    with standing(request.param, create_app(services), tmp_path) as front:
        yield front


def test_the_scheme_and_every_header_pass_the_proxy(front: Front) -> None:
    """
    R72-R79 hold for what leaves the proxy, not only for what leaves the server.
    """
    answer = front.asks("GET", "/")

    assert 200 == answer.status_code
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "nosniff" == answer.headers["X-Content-Type-Options"]
    assert front.program == answer.headers["Server"].lower()


def test_only_the_proxy_states_the_client_s_address(front: Front) -> None:
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

    front.asks("GET", "/", headers=lies)

    (told,) = front.recorder.told
    assert ("127.0.0.1", "https") == (
        told["HTTP_X_FORWARDED_FOR"],
        told["HTTP_X_FORWARDED_PROTO"],
    )
    assert NAME == told["HTTP_HOST"]
    assert set(told).isdisjoint(
        {
            "HTTP_FORWARDED",
            "HTTP_X_FORWARDED_HOST",
            "HTTP_X_FORWARDED_PORT",
            "HTTP_X_FORWARDED_PREFIX",
        }
    )


def test_no_log_contains_a_token(front: Front) -> None:
    """
    R110: nginx's default formats log the query, and both programs log it with errors.
    """
    login = log_in()
    assert 303 == front.asks("GET", login.address()).status_code
    front.stops_the_server()
    canary = {"Referer": login.address(), "Cookie": "attempt-1=canary-cookie"}

    assert 502 == front.asks("GET", login.address(), headers=canary).status_code

    logs = front.logs()
    assert "/authorize" in logs
    assert [] == [secret for secret in (login.account_linking_token, "canary") if secret in logs]


def test_a_failure_is_logged_with_its_path(front: Front) -> None:
    """
    Keeping tokens out of the log must leave what an operator needs.
    """
    front.stops_the_server()

    front.asks("GET", "/healthz")

    logs = front.logs()
    if front.program == "nginx":
        assert "GET /healthz 502" in logs
    else:
        (noted,) = [line for line in logs.splitlines() if "http.log.error" in line]
        assert ("/healthz", 502) == (
            json.loads(noted)["request"]["uri"],
            json.loads(noted)["status"],
        )


def test_a_body_beyond_the_limit_stops_at_the_proxy(front: Front) -> None:
    assert 413 == front.is_told_of(body_bytes=4 * 1024 * 1024 + 1)
    assert [] == front.recorder.told


def test_plain_http_is_redirected_to_https(front: Front) -> None:
    answer = requests.get(
        f"http://127.0.0.1:{front.plain_port}/x",
        headers={"Host": NAME},
        allow_redirects=False,
        timeout=10,
    )

    assert answer.status_code in {301, 308}
    assert f"https://{NAME}/x" == answer.headers["Location"]
    assert [] == front.recorder.told


@pytest.mark.parametrize("path", ["/api/v1/links/changes", "/webhook", "//webhook"])
def test_plain_http_of_programs_is_refused(front: Front, path: str) -> None:
    """R87: with a redirect, every call would send its key unencrypted, unnoticed."""
    answer = requests.get(
        f"http://127.0.0.1:{front.plain_port}{path}",
        headers={"Host": NAME, "Authorization": "Bearer canary-key"},
        allow_redirects=False,
        timeout=10,
    )

    assert 403 == answer.status_code
    assert "Location" not in answer.headers
    assert "canary" not in answer.text
    assert [] == front.recorder.told


def test_metrics_are_not_public(front: Front) -> None:
    bearer = {"Authorization": "Bearer canary-metrics-token"}

    for path in ("/metrics", "/metrics?x=1", "//metrics", "/%6detrics"):
        assert 404 == front.asks("GET", path, headers=bearer).status_code
