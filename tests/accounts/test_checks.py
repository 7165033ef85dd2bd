"""The checks of `threadlink doctor`: cause and fix of whatever keeps an authenticator from working.

None of them sends credentials of a person, and none tells a secret.
"""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import generate_key
from werkzeug.wrappers import Response

from app.accounts import http_endpoint, ldap_check, oidc_check
from app.accounts.authenticators import Diagnosis, Resources
from app.accounts.http_endpoint import HttpSettings
from app.accounts.ldap_settings import LdapSettings
from app.accounts.passwords import Hasher
from app.infra.settings.parsing import webhook_secrets
from tests.accounts.ldap_stub import directing
from tests.accounts.oidc_provider import CLIENT_SECRET, Provider, providing
from tests.accounts.openldap import BIND_PASSWORD, Directory, directory
from tests.accounts.password_endpoint import SECRET, Endpoint, answering

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _unused(_use_case: Callable[..., Any]) -> Any:
    raise AssertionError("no check of a server needs the database")


RESOURCES = Resources(now=lambda: NOON, read=_unused, write=_unused, hasher=Hasher())


@pytest.fixture(scope="module")
def slapd() -> Iterator[Directory]:
    with directory() as there:
        yield there


def of_directory(settings: LdapSettings, total_s: float = 6.0) -> Diagnosis:
    (told,) = ldap_check.check(settings, total_s=total_s)
    assert BIND_PASSWORD not in told.words + told.fix
    return told


def test_a_directory_that_works_is_called_so(slapd: Directory) -> None:
    plain = of_directory(slapd.settings())
    by_tls = of_directory(slapd.settings(url=slapd.tls_url, ca_file=slapd.ca_file))
    started = of_directory(slapd.settings(ca_file=slapd.ca_file))

    assert ("takes the bind and shows people, on this machine without TLS", "") == (
        plain.words,
        plain.fix,
    )
    assert "takes the bind and shows people, by TLS" == by_tls.words == started.words


LDAP: dict[str, tuple[dict[str, str | None], str, str]] = {
    "another password": ({"bind_password": "wrong"}, "refuses LDAP_STAFF_BIND_DN", "BIND_PASSWORD"),
    "no such account": (
        {"bind_dn": "cn=nobody,dc=example,dc=com"},
        "refuses LDAP_STAFF_BIND_DN",
        "BIND_DN",
    ),
    "no DN at all": (
        {"bind_dn": "threadlink"},
        "answers the bind with an error (bind: result 34)",
        "",
    ),
    "no such base": ({"base": "ou=gone,dc=example,dc=com"}, "has no LDAP_STAFF_BASE", "_BASE"),
    "an anonymous search": ({"bind_dn": "", "bind_password": ""}, "without a BIND_DN", "_BASE"),
    "a broken filter": (
        {"filter": "(uid={username}"},
        "cannot be asked with LDAP_STAFF_FILTER",
        "",
    ),
    "a filter that finds nobody": (
        {"filter": "(&(uid={username})(sn=nobody))"},
        "shows LDAP_STAFF_BIND_DN nobody who could sign in",
        "LDAP_STAFF_FILTER",
    ),
    "another directory's subject": (
        {"subject": "objectGUID", "filter": "(&(uid={username})(cn=Vic))"},
        "has entries without objectGUID",
        "LDAP_STAFF_SUBJECT",
    ),
}


@pytest.mark.parametrize(("changed", "words", "fix"), LDAP.values(), ids=LDAP.keys())
def test_what_is_wrong_with_a_directory_s_settings_is_named(
    changed: dict[str, str | None], words: str, fix: str, slapd: Directory
) -> None:
    told = of_directory(slapd.settings(**changed))

    assert words in told.words
    assert told.fix
    assert fix in told.fix


def test_a_directory_of_an_unknown_authority_is_named(slapd: Directory) -> None:
    localhost = slapd.plain_url.replace("127.0.0.1", "localhost")
    for url, ca_file, fault in (
        (slapd.tls_url, None, "of an unknown CA"),
        (localhost, slapd.ca_file, "for another host"),
    ):
        told = of_directory(slapd.settings(url=url, ca_file=ca_file))

        assert f"cannot be trusted (certificate: {fault})" == told.words
        assert "LDAP_STAFF_CA_FILE" in told.fix


def test_a_port_without_tls_is_named(slapd: Directory) -> None:
    told = of_directory(
        slapd.settings(url=slapd.plain_url.replace("ldap:", "ldaps:"), ca_file=slapd.ca_file)
    )

    assert "does not speak TLS there" in told.words
    assert "ldaps:// for port 636" in told.fix


def test_a_directory_that_nobody_runs_is_named(slapd: Directory) -> None:
    with nobody() as port:
        told = of_directory(slapd.settings(url=f"ldap://127.0.0.1:{port}"))

    assert "refuses connections: nothing listens at its port" == told.words


def test_a_directory_without_an_address_is_named(
    slapd: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_asked: object, **_more: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    told = of_directory(slapd.settings(url="ldap://directory.invalid"))

    assert "has a name that this machine's DNS does not know" == told.words


def test_a_directory_that_hangs_is_given_up() -> None:
    with directing() as stub:
        stub.instead[0x60] = lambda _: iter([b""] if stub.over.wait() else [])
        told = of_directory(replace(stub.settings(), bind_dn="cn=x", bind_password="y"), 0.3)

    assert "answers too late" in told.words


@contextmanager
def nobody() -> Iterator[int]:
    """Yield a port at which nothing listens, and which nobody else gets meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def of_endpoint(url: str, total_s: float = 6.0) -> Diagnosis:
    settings = HttpSettings(name="shop", url=url, secrets=webhook_secrets(SECRET))
    (told,) = http_endpoint.check(settings, RESOURCES, total_s=total_s)
    return told


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with answering() as there:
        yield there


@pytest.mark.parametrize("status", [200, 204, 400, 401, 404, 405, 415, 500])
def test_an_endpoint_that_answers_at_all_is_there(status: int, endpoint: Endpoint) -> None:
    endpoint.answer = Response(status=status)

    told = of_endpoint(endpoint.url)

    assert "" == told.fix
    assert told.words.startswith("answers")
    (asked,) = endpoint.asked
    assert ("HEAD", b"") == (asked.method, asked.get_data())
    # Neither credentials nor a signature that could be replayed.
    assert [] == [name for name in dict(asked.headers) if name.lower().startswith("webhook-")]
    assert "Authorization" not in asked.headers


@pytest.mark.parametrize(
    ("status", "words", "is_minor"),
    [(302, "redirects (HTTP 302)", True), (502, "behind a proxy that does not reach it", False)],
)
def test_an_endpoint_that_is_not_where_it_should_be_is_named(
    status: int, words: str, *, is_minor: bool, endpoint: Endpoint
) -> None:
    endpoint.answer = Response(status=status, headers={"Location": "https://x.example/canary"})

    told = of_endpoint(endpoint.url)

    assert words in told.words
    assert is_minor is told.is_minor
    assert "canary" not in told.words + told.fix


def test_an_endpoint_that_nobody_runs_is_named() -> None:
    with nobody() as port:
        told = of_endpoint(f"http://127.0.0.1:{port}/check?key=canary")

    assert "nothing listens there" in told.words
    assert "HTTP_SHOP_URL" in told.fix
    assert "canary" not in told.words + told.fix


def test_an_endpoint_that_hangs_is_given_up(endpoint: Endpoint) -> None:
    endpoint.hangs = True

    told = of_endpoint(endpoint.url, 0.3)

    assert "does not answer in time" == told.words


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing(NOON) as there:
        yield there


def of_provider(
    provider: Provider, total_s: float = 6.0, *, issuer: str | None = None
) -> list[Diagnosis]:
    settings = replace(provider.settings(), issuer=issuer or provider.issuer)
    told = [*oidc_check.check(settings, total_s=total_s)]
    assert CLIENT_SECRET not in str(told)
    return told


def test_a_provider_that_works_is_called_so(provider: Provider) -> None:
    (told,) = of_provider(provider)

    assert "" == told.fix
    assert told.words.startswith("has metadata and keys")
    assert ["/.well-known/openid-configuration", "/jwks"] == provider.asked


METADATA: dict[str, tuple[dict[str, Any], str, str]] = {
    "another issuer": (
        {"issuer": "https://other.example"},
        "calls itself https://other.example, and OIDC_STUB_ISSUER says http://127.0.0.1:",
        "OIDC_STUB_ISSUER: the two must be the same",
    ),
    "no issuer": ({"issuer": None}, "names no issuer", "the provider's own settings"),
    "a shared secret": (
        {"id_token_signing_alg_values_supported": ["HS256"]},
        "no asymmetric algorithm for ID Tokens",
        "RS256 or ES256",
    ),
    "an endpoint in clear": (
        {"token_endpoint": "http://op.example/token"},
        "discovery: token_endpoint",
        "an https address",
    ),
    "no keys": ({"jwks_uri": None}, "discovery: jwks_uri", "an https address"),
    "requests are to be pushed": (
        {"require_pushed_authorization_requests": True},
        "(PAR) are demanded",
        "switch that demand off",
    ),
    "no secret is taken": (
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        "neither client_secret_basic nor client_secret_post",
        "OIDC_STUB_AUTH_METHOD",
    ),
}


@pytest.mark.parametrize(("changed", "words", "fix"), METADATA.values(), ids=METADATA.keys())
def test_what_is_wrong_with_a_provider_is_named(
    changed: dict[str, Any], words: str, fix: str, provider: Provider
) -> None:
    provider.metadata = changed

    (told,) = of_provider(provider)

    assert words in told.words
    assert fix in told.fix


@pytest.mark.parametrize(("theirs", "ours"), [("/", ""), ("", "/")])
def test_a_slash_at_the_end_is_told(theirs: str, ours: str, provider: Provider) -> None:
    """It is the commonest cause, and nobody sees it in two addresses side by side."""
    issuer = f"{provider.issuer}{theirs}"
    provider.metadata = {"issuer": issuer}

    (told,) = of_provider(provider, issuer=f"{provider.issuer}{ours}")

    assert "a slash at the end; OIDC_STUB_ISSUER is" in told.words
    assert f"OIDC_STUB_ISSUER={issuer}" == told.fix


def test_one_fault_of_a_provider_hides_no_other(provider: Provider) -> None:
    provider.metadata = {
        "issuer": "https://other.example",
        "id_token_signing_alg_values_supported": ["none"],
    }
    provider.published = []

    told = " ".join(each.words for each in of_provider(provider))

    assert "calls itself https://other.example" in told
    assert "no asymmetric algorithm for ID Tokens" in told
    assert "has no key that can sign an ID Token" in told


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_a_key_that_is_too_short_is_no_key(provider: Provider) -> None:
    provider.published = [generate_key("RSA", 1024, {"kid": "one"})]

    (told,) = of_provider(provider)

    assert "has no key that can sign an ID Token" == told.words


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        ("/.well-known/openid-configuration", Response(status=404), "(HTTP 404)"),
        ("/.well-known/openid-configuration", Response("<html>"), "without a JSON object"),
        ("/jwks", Response(status=500), "does not hand out its keys at jwks_uri (HTTP 500)"),
        ("/jwks", Response(json.dumps([])), "does not hand out its keys at jwks_uri"),
    ],
)
def test_what_a_provider_does_not_answer_is_named(
    path: str, answer: Response, words: str, provider: Provider
) -> None:
    provider.instead[path] = lambda: answer

    (told,) = of_provider(provider)

    assert words in told.words
    assert told.fix


def test_a_provider_that_hangs_is_given_up(provider: Provider) -> None:
    provider.slow["/.well-known/openid-configuration"] = "silent"

    (told,) = of_provider(provider, 0.3)

    assert "does not answer in time" == told.words
