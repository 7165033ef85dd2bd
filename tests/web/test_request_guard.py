"""Checks before a view: host, scheme, proxies, request id (R72, R84 to R87, R90, R91)."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import URL
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from app import create_app
from app.services.container import build
from tests.actors import log_in
from tests.installation import settings_for

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

HERE = "link.shop.example"
PRODUCTION = {"PUBLIC_URL": f"https://{HERE}"}

EVIL = "evil.example"
HOSTILE_HOSTS = [
    EVIL,
    f"{EVIL}:443",
    f"{HERE}.{EVIL}",
    f"{HERE}@{EVIL}",
    f"{EVIL}/{HERE}",
    f"{HERE}:444",
    f"{HERE}:443:443",
    f"{HERE}, {EVIL}",
    f"{HERE} {EVIL}",
    f"{EVIL}#{HERE}",
    f"{EVIL}?{HERE}",
    f"{HERE}.",
    f".{HERE}",
    f"x{HERE}",
    f"{EVIL}\\{HERE}",
    "[::1]",
    "[::1",
    "127.0.0.1",
    "localhost",
    "",
    "-",
    "%65vil.example",
    "evil。example",
    f"{EVIL}:99999999",
    f'{EVIL}"><script>',
]
FORWARDED = [
    {"X-Forwarded-Host": EVIL},
    {"X-Forwarded-Host": f"{HERE}, {EVIL}"},
    {"X-Forwarded-Server": EVIL},
    {"X-Host": EVIL},
    {"X-Original-Host": EVIL},
    {"X-Original-URL": f"https://{EVIL}/"},
    {"X-Rewrite-URL": f"//{EVIL}/"},
    {"X-HTTP-Host-Override": EVIL},
    {"X-Forwarded-Prefix": f"//{EVIL}"},
    {"X-Script-Name": f"//{EVIL}"},
    {"X-Forwarded-Port": "8443"},
    {"Forwarded": f"host={EVIL};proto=http"},
    {"Forwarded": f'for="[::1]";host="{EVIL}"'},
    {"Origin": f"https://{EVIL}"},
    {"Referer": f"https://{EVIL}/"},
]


@contextmanager
def _production(database: URL, **changed: str) -> Iterator[Flask]:
    services = build(settings_for(database, **{**PRODUCTION, **changed}))
    yield create_app(services)
    services.close()


@pytest.fixture
def site(database: URL) -> Iterator[Flask]:
    """Yield a server that is known as https://link.shop.example, two proxies in front of it."""
    with _production(database, TRUSTED_PROXIES="2", ALLOWED_HOSTS="alias.example") as app:
        yield app


@pytest.fixture
def client(site: Flask) -> FlaskClient:
    return site.test_client()


VIA = {
    "Host": HERE,
    "X-Forwarded-Proto": "https, https",
    "X-Forwarded-For": "203.0.113.9, 10.0.0.1",
}
PATHS = ["/", "/authorize", log_in().address(), "/authorize/abc", "/nothing", "/static/a/b.css"]


def _get(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.get(path, headers={**VIA, **{n.replace("_", "-"): v for n, v in headers.items()}})


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_a_foreign_host_is_refused_and_not_repeated(site: Flask, host: str) -> None:
    """R84, R85: whatever stands in Host, no byte of it is in the answer."""
    for path in PATHS:
        # Past the test client, which reads the Host itself and stumbles over some of these.
        environ = EnvironBuilder(path, headers=Headers(VIA)).get_environ()
        environ["HTTP_HOST"] = host.encode().decode("latin-1")

        body, status, headers = run_wsgi_app(site, environ)

        text = b"".join(body).decode()
        assert status.startswith("400 ")
        assert "Location" not in headers
        assert EVIL not in text + str(headers)
        assert "DENY" == headers["X-Frame-Options"]


@pytest.mark.parametrize("headers", FORWARDED, ids=str)
def test_what_proxies_say_of_the_host_is_not_heard(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    """R84: neither in a link, nor in a redirect, nor in a cookie."""
    for path in PATHS:
        answer = client.get(path, headers={**VIA, **headers})

        assert EVIL not in answer.text + str(answer.headers)
        assert "8443" not in answer.text + str(answer.headers)
        location = answer.headers.get("Location", "/")
        assert location.startswith("/")
        assert not location.startswith("//")


@pytest.mark.parametrize("host", [HERE, f"{HERE}:443", HERE.upper(), "alias.example"])
def test_our_own_names_are_heard(client: FlaskClient, host: str) -> None:
    assert 200 == _get(client, "/", Host=host).status_code


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_machines_may_ask_by_address(client: FlaskClient, path: str) -> None:
    """R85, R87: a balancer knows neither our name nor https."""
    answer = client.get(path, headers={"Host": "10.1.2.3"})

    assert 200 == answer.status_code
    assert answer.json
    assert "ok" == answer.json["status"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("/authorize/abc?x=1", "/authorize/abc"),
        ("/nothing?account_linking_token=T", "/nothing"),
        ("/authorize?account_linking_token=T&redirect_uri=https%3A%2F%2Fa", None),
        ("/.//evil.example/", "/.//evil.example/"),
        ("/%0d%0aSet-Cookie:%20x=1", "/%0D%0ASet-Cookie%3A%20x%3D1"),
        ("/\\evil.example", "/%5Cevil.example"),
    ],
)
def test_plain_http_is_sent_to_https(client: FlaskClient, path: str, expected: str | None) -> None:
    """R87: to our own name only; the query goes along where nothing works without it."""
    answer = client.get(path, headers={"Host": HERE, "X-Forwarded-Proto": "http, https"})

    assert 308 == answer.status_code
    assert f"https://{HERE}{expected or path}" == answer.headers["Location"]
    assert "Set-Cookie" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers
    assert "nosniff" == answer.headers["X-Content-Type-Options"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/authorize/abc"),
        ("POST", "/webhook"),
        ("GET", "/webhook"),
        ("POST", "/privacy/data-deletion"),
        ("GET", "/api/v1/links"),
    ],
)
def test_plain_http_is_refused_where_a_redirect_would_hide_it(
    client: FlaskClient, method: str, path: str
) -> None:
    """R87: who posts secrets in the clear must notice."""
    answer = client.open(path, method=method, headers={"Host": HERE}, data=b"{}")

    assert 403 == answer.status_code
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("proxies", "chain", "status"),
    [
        ("0", "https", 421),
        ("1", "https", 200),
        ("1", "HTTPS", 200),
        # A redirect would come back for ever if the count is too low, and the others tell nothing.
        ("1", "https, http", 421),
        ("1", "ftp, http", 308),
        ("2", "http, https", 308),
        ("1", "ftp", 421),
        ("2", "https, https,", 421),
        ("2", "https, http", 200),
        ("2", "http, https, https", 200),
        ("2", "https", 421),
        ("1", '"http, https', 200),
        ("1", '"https, http', 421),
        ("2", '"http, https, https', 200),
    ],
)
def test_exactly_so_many_proxies_are_believed(
    database: URL, proxies: str, chain: str, status: int
) -> None:
    """R86: counted from the right, so that nothing a client makes up is among them."""
    with _production(database, TRUSTED_PROXIES=proxies) as app:
        answer = app.test_client().get("/", headers={"Host": HERE, "X-Forwarded-Proto": chain})

    assert status == answer.status_code


def test_a_made_up_address_does_not_reset_the_count(client: FlaskClient) -> None:
    """R86, R61: only what the trusted proxies added counts as the address.

    Neither is it hidden in a quoted string that the client begins.
    """

    def status_from(own: str) -> int:
        chain = f"{own}, 203.0.113.9, 10.0.0.1"
        return _get(client, log_in().address(), X_Forwarded_For=chain).status_code

    allowed = [status_from("192.0.2.7") for _ in range(300)]
    made_up = ("{}", '"{}', '{}%"', '"{}", "', '"{}\\')
    after = {
        own: [status_from(own.format(f"192.0.{number}.7")) for number in range(5)]
        for own in made_up
    }

    assert [303] * 300 == allowed
    assert dict.fromkeys(made_up, [429] * 5) == after


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "BREW"])
@pytest.mark.parametrize(
    "path", ["/", "/authorize", "/authorize/abc/confirm", "/webhook", "/privacy/deauthorize"]
)
def test_other_methods_are_not_answered(client: FlaskClient, method: str, path: str) -> None:
    """R90: and what was sent is not echoed."""
    answer = client.open(path, method=method, headers={**VIA, "X-Echo": EVIL})

    assert 405 == answer.status_code
    assert EVIL not in answer.text
    assert "Allow" in answer.headers


@pytest.mark.parametrize(
    "path", ["/", "/authorize", "/webhook", "/privacy/deletion", "/healthz", "/nothing"]
)
def test_no_other_site_is_let_in(client: FlaskClient, path: str) -> None:
    """R90: no answer grants anything to another origin."""
    asked = {"Origin": f"https://{EVIL}", "Access-Control-Request-Method": "POST"}

    answers = [client.open(path, method=m, headers={**VIA, **asked}) for m in ("GET", "OPTIONS")]

    for answer in answers:
        assert not [n for n in answer.headers.keys() if n.lower().startswith("access-control")]  # noqa: SIM118 - pairs else


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/.git/config", "/authorize/a/b/c", "/static/x/../../app/config.py", "/a%00b"],
)
def test_what_is_not_there_looks_the_same_everywhere(client: FlaskClient, path: str) -> None:
    """R91: nothing of how we are made, and no reference, which nobody could look up."""
    answer = _get(client, path)

    assert 404 == answer.status_code
    assert "Page not found" in answer.text
    assert "Reference" not in answer.text
    for word in ("Traceback", "werkzeug", "SELECT", "python", path):
        assert word not in answer.text + str(answer.headers)


@pytest.mark.parametrize("path", ["/static", "/static/", "/brand/", "/api/", "/api/v1/", "/../"])
def test_no_folder_is_listed(client: FlaskClient, path: str) -> None:
    """R91: nor is a file served that nothing names."""
    answer = _get(client, path)

    assert 404 == answer.status_code
    assert "docs.css" not in answer.text


def test_debug_mode_is_off_where_strangers_come(
    database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R91: whatever FLASK_DEBUG says."""
    monkeypatch.setenv("FLASK_DEBUG", "1")

    with _production(database) as app:
        assert not app.debug


@pytest.mark.parametrize("path", ["/authorize//x", "//authorize/x", "/static//x", "/api//docs"])
def test_a_doubled_slash_is_answered_without_an_address_made_of_the_host(
    client: FlaskClient, path: str
) -> None:
    """R84: werkzeug would send the browser on, to whatever name it had asked for."""
    # An absolute target: of a path that begins with two slashes the test client makes a host.
    answer = _get(client, f"https://alias.example{path}", Host="alias.example")

    assert 404 == answer.status_code
    assert "Location" not in answer.headers
    assert "alias.example" not in answer.text


def _status(client: FlaskClient, method: str, path: str, **environ: Any) -> int:
    """Return the answer to a request that no test client would send."""
    built = EnvironBuilder(path, method=method, headers=Headers(VIA)).get_environ()

    _, told, _ = run_wsgi_app(client.application, {**built, **environ})

    return int(told[:3])


@pytest.mark.parametrize(
    ("method", "path", "environ", "status"),
    [
        ("GET", "/?" + "&" * 64, {}, 400),
        ("GET", "/", {"HTTP_COOKIE": ";" * 256}, 431),
        ("GET", "/", {"CONTENT_LENGTH": "65537"}, 413),
        ("POST", "/webhook", {"CONTENT_LENGTH": "4194305"}, 413),
        ("POST", "/webhook/", {"CONTENT_LENGTH": "65537"}, 413),
        ("POST", "/authorize/abc", {"CONTENT_LENGTH": "65537"}, 413),
        ("POST", "/api/v1/links/lookup", {"CONTENT_LENGTH": "65537"}, 413),
    ],
)
def test_what_is_too_much_is_refused_by_whatever_server(
    client: FlaskClient, method: str, path: str, environ: dict[str, str], status: int
) -> None:
    """R45: `threadlink run` has no gateway in front of Flask."""
    assert status == _status(client, method, path, **environ)


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/authorize/abc", 65536, 400), ("/authorize/abc", 65537, 413), ("/webhook", 65537, 403)],
)
def test_a_chunked_body_is_counted_too(
    client: FlaskClient, path: str, size: int, status: int
) -> None:
    """R45: Werkzeug would take the first 64 KiB for all of it."""
    chunked = {"wsgi.input": BytesIO(b"a" * size), "wsgi.input_terminated": True}

    assert status == _status(client, "POST", path, CONTENT_LENGTH="", **chunked)


@pytest.mark.parametrize("path", ["//webhook", "//api/docs", "///", "//healthz"])
def test_slashes_in_front_lead_nowhere(client: FlaskClient, path: str) -> None:
    """R90: Werkzeug drops them, so that a proxy's rule for a path would be walked around."""
    assert 404 == _status(client, "GET", "/", PATH_INFO=path)
