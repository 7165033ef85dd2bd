"""Where the console is: at its own host name, for those who may know of it (R134)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import URL
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from app.services.container import build
from app.web.factory import make_app
from app.web.hosts import make_applications
from tests.installation import settings_for

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PUBLIC, CONSOLE = "link.shop.example", "console.shop.example"
PRODUCTION = {
    "PUBLIC_URL": f"https://{PUBLIC}",
    "CONSOLE_URL": f"https://{CONSOLE}",
    "TRUSTED_PROXIES": "1",
}
BY_PROXY = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
HERE = {"CONSOLE_URL": "http://localhost:8000"}
# Everything that the public application answers, and the console does not.
PUBLIC_PATHS = ["/authorize", "/webhook", "/api/v1/links", "/healthz", "/readyz", "/metrics"]
CONSOLE_PATHS = ["/sign-in", "/sessions", "/re-authenticate", "/sign-in/oidc"]


class Server:
    """Both applications, as `serve` has them."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(
        self, path: str, host: str, headers: dict[str, str] | None = None, **given: Any
    ) -> TestResponse:
        address = given.pop("address", "127.0.0.1")
        builder = EnvironBuilder(
            path=path,
            headers=Headers({"Host": host, **(headers or {})}),
            environ_base={"REMOTE_ADDR": address},
            **given,
        )
        answer = run_wsgi_app(self._application, builder.get_environ(), buffered=True)
        return TestResponse(*answer, request=builder.get_request())


@contextmanager
def serving(database: URL, **changed: str) -> Iterator[Server]:
    services = build(settings_for(database, **changed))
    yield Server(make_applications(services))
    services.close()


def test_without_an_address_there_is_no_console(database: URL) -> None:
    """R134: neither a route nor an application, whatever the host."""
    services = build(settings_for(database))
    application = make_applications(services)
    routes = {rule.rule for rule in make_app(services).url_map.iter_rules()}
    answer = Server(application)("/sign-in", "localhost:8000")
    services.close()

    assert "Flask" == type(application).__name__
    assert not routes & set(CONSOLE_PATHS)
    assert 400 == answer.status_code


@pytest.mark.parametrize("path", PUBLIC_PATHS)
def test_the_console_has_nothing_of_the_public_application(database: URL, path: str) -> None:
    """R134: no page of a person, no webhook, no API and no monitor at its host."""
    with serving(database, **PRODUCTION) as server:
        for host in (CONSOLE, f"{CONSOLE}:443", CONSOLE.upper()):
            answer = server(path, host, BY_PROXY)
            assert 404 == answer.status_code
            assert "Threadlink console" in answer.text


@pytest.mark.parametrize("path", CONSOLE_PATHS)
def test_the_public_application_has_nothing_of_the_console(database: URL, path: str) -> None:
    """R134: the public host has no such page, nor does a host that is nobody's."""
    with serving(database, **PRODUCTION) as server:
        assert 404 == server(path, PUBLIC, BY_PROXY).status_code
        for host in (f"{CONSOLE}.evil.example", f"{CONSOLE}:444", f"x{CONSOLE}", "", f"{CONSOLE}."):
            answer = server(path, host, BY_PROXY)
            assert 400 == answer.status_code
            assert "Threadlink console" not in answer.text


def test_a_header_beside_host_chooses_nothing(database: URL) -> None:
    """R134: neither X-Forwarded-Host nor Forwarded leads to the console."""
    with serving(database, **PRODUCTION) as server:
        for headers in (
            {"X-Forwarded-Host": CONSOLE},
            {"Forwarded": f"host={CONSOLE}"},
            {"X-Host": CONSOLE},
        ):
            answer = server("/sign-in", PUBLIC, {**BY_PROXY, **headers})
            assert 404 == answer.status_code


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("10.1.2.3", 200),
        ("2001:db8:17::9", 200),
        ("::ffff:10.1.2.3", 200),
        ("192.0.2.7", 404),
        ("2001:db8:18::9", 404),
        ("not told", 404),
    ],
)
def test_others_than_the_networks_find_nothing(database: URL, address: str, status: int) -> None:
    """R134: they get an empty 404, also for a file and for a POST."""
    networks = {"CONSOLE_NETWORKS": "10.0.0.0/8 2001:db8:17::/48"}
    headers = {**BY_PROXY, "X-Forwarded-For": address}
    with serving(database, **PRODUCTION, **networks) as server:
        answer = server("/sign-in", CONSOLE, headers)
        posted = server("/sign-in", CONSOLE, headers, method="POST")

    assert status == answer.status_code
    if status == 404:
        assert (b"", 404, b"") == (answer.data, posted.status_code, posted.data)


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Anything",
        "Forwarded",
        "Via",
        "X-Real-IP",
    ],
)
def test_no_proxy_leads_to_the_console_of_this_machine(database: URL, header: str) -> None:
    """R134: a proxy on this machine comes from the loopback as an SSH tunnel does."""
    with serving(database, **HERE) as server:
        assert 200 == server("/sign-in", "localhost:8000").status_code
        answer = server("/sign-in", "localhost:8000", {header: "127.0.0.1"})

    assert (404, b"") == (answer.status_code, answer.data)


def test_no_other_machine_reaches_the_console_of_this_one(database: URL) -> None:
    """R134: whatever it says in Host."""
    with serving(database, **HERE) as server:
        answer = server("/sign-in", "localhost:8000", address="192.0.2.7")

    assert (404, b"") == (answer.status_code, answer.data)


def test_over_plain_http_nothing_is_answered(database: URL) -> None:
    """R87, R134: a page is asked for again by https, without its path; a form is refused."""
    plain = {**BY_PROXY, "X-Forwarded-Proto": "http"}
    with serving(database, **PRODUCTION) as server:
        page = server("/attempts/abcd-efgh", CONSOLE, plain)
        form = server("/sign-in", CONSOLE, plain, method="POST")

    assert (308, f"https://{CONSOLE}/") == (page.status_code, page.headers["Location"])
    assert 500 > form.status_code >= 400
    assert "Set-Cookie" not in page.headers
