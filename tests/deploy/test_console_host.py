"""The lines with #console of docs/deploy: the operators' console by a host name of its own."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import yaml

from tests.deploy.conftest import serving
from tests.deploy.proxies import DEPLOY, NAME, PROGRAMS, Front, standing
from tests.deploy.suites import offering

CONSOLE: Final = f"console.{NAME}"
FILES: Final = ("nginx.conf", "Caddyfile", "haproxy.cfg", "kubernetes/base/ingress.yaml")
MARK: Final = "#console "


@pytest.fixture(scope="module", params=PROGRAMS)
def front(
    sqlite_template: Path,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    """Yield each proxy with these lines in use, before a server that has a console."""
    folder = tmp_path_factory.mktemp(request.param)
    changes = {MARK: ""}
    if request.param == "caddy":
        # Caddy fetches a certificate for it elsewhere.
        tls = f"\ttls {folder}/fullchain.pem {folder}/privkey.pem"
        changes |= {f"\n{CONSOLE} {{\n": f"\n{CONSOLE} {{\n{tls}\n"}
    with (
        serving(sqlite_template, CONSOLE_URL=f"https://{CONSOLE}") as server,
        standing(request.param, server.port, folder, changes) as front,
    ):
        yield front


def asks(front: Front, name: str, path: str, **more: Any) -> requests.Response:
    """Ask *front* by *name*; the certificate of these tests is for the public one."""
    with front.session() as session:
        there = replace(front, place=replace(front.place, name=name))
        return there.asks_again(session, "GET", path, **more)


def test_the_console_is_behind_its_own_name(front: Front) -> None:
    """R134: and nothing of people, of Messenger or of bots is there."""
    page = asks(front, CONSOLE, "/sign-in")

    assert 200 == page.status_code
    assert "Threadlink console" in page.text
    assert "__Host-console-entry" in page.headers["Set-Cookie"]
    assert "script-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")
    for path in ("/webhook", "/authorize", "/api/v1/links", "/metrics", "/healthz"):
        answer = asks(front, CONSOLE, path)
        assert 404 == answer.status_code, path
        assert "EVENT_RECEIVED" not in answer.text


def test_the_public_name_has_nothing_of_it(front: Front) -> None:
    """R134: whatever a client says in other headers."""
    for headers in ({}, {"X-Forwarded-Host": CONSOLE}, {"Forwarded": f"host={CONSOLE}"}):
        answer = asks(front, NAME, "/sign-in", headers=headers)
        assert 404 == answer.status_code
        assert "Threadlink console" not in answer.text


def test_in_clear_it_leads_to_its_own_first_page(front: Front) -> None:
    """R87, R134: not to the public name, and without what the path names."""
    answer = front.asks_in_clear("/attempts/abcd-efgh", Host=CONSOLE)

    assert answer.status_code in {301, 308}
    location = answer.headers["Location"]
    assert location.startswith(f"https://{CONSOLE}/")
    # Caddy makes this redirect by itself, with the path.
    assert front.program == "caddy" or "attempts" not in location


@pytest.mark.parametrize("suite", ["AES128-SHA", "ECDHE-RSA-AES128-SHA256"])
def test_a_tls_suite_that_does_not_keep_secrets_is_refused_there_too(
    front: Front, suite: str
) -> None:
    """ASVS 5.0.0, 12.1.2: nginx has suites for each host name, and its default ones are more."""
    there = replace(front, place=replace(front.place, name=CONSOLE))

    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        there.connect(offering(suite))
    with there.connect(offering("ECDHE-RSA-AES128-GCM-SHA256")) as connection:
        assert "TLSv1.2" == connection.version()


def test_nginx_knows_the_console_by_ipv6_as_well() -> None:
    """R134: else it is the public name's server that such requests get."""
    servers = (DEPLOY / "nginx.conf").read_text("utf-8").replace(MARK, "").split("\nserver {")[1:]

    assert 4 == len(servers)
    for server in servers:
        ports = [line.split()[1] for line in server.splitlines() if line.strip()[:7] == "listen "]
        assert ports in (["80;", "[::]:80;"], ["443", "[::]:443"])


@pytest.mark.parametrize("file", FILES)
def test_as_shipped_no_line_of_it_is_in_use(file: str) -> None:
    """R134: there is no console unless somebody wants one."""
    lines = (DEPLOY / file).read_text("utf-8").splitlines()

    assert any(line.strip().startswith(MARK.strip()) for line in lines)
    assert [] == [line for line in lines if CONSOLE in line.partition("#")[0]]


def test_the_ingress_passes_every_path_of_the_console_on() -> None:
    """R134: by a rule of its own host, and a certificate of its own."""
    text = (DEPLOY / "kubernetes/base/ingress.yaml").read_text("utf-8").replace(MARK, "")
    spec = yaml.safe_load(text)["spec"]

    rules = {rule["host"]: rule["http"]["paths"] for rule in spec["rules"]}
    assert {NAME, CONSOLE} == rules.keys()
    assert [("/", "Prefix")] == [(path["path"], path["pathType"]) for path in rules[CONSOLE]]
    assert [[NAME], [CONSOLE]] == [tls["hosts"] for tls in spec["tls"]]
