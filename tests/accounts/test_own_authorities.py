"""A provider and an endpoint with a CA of their own, as on premises, are trusted by a setting."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from werkzeug.wrappers import Response

from app.accounts.authenticators import AuthenticatorMisconfigured
from app.accounts.http_endpoint import HttpAuthenticator, HttpSettings
from app.accounts.oidc import OidcAuthenticator
from tests.accounts.oidc_provider import Provider, providing
from tests.accounts.password_endpoint import Endpoint, answering
from tests.certificates import self_signed

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALLBACK: Final = "http://127.0.0.1:8000/authorize/oidc/stub/callback"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return self_signed(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def provider(authority: tuple[ssl.SSLContext, Path]) -> Iterator[Provider]:
    with providing(NOON, authority[0]) as provider:
        yield provider


@pytest.fixture
def endpoint(authority: tuple[ssl.SSLContext, Path]) -> Iterator[Endpoint]:
    with answering(authority[0]) as endpoint:
        endpoint.answer = Response('{"subject": "u-81"}')
        yield endpoint


def test_a_provider_is_trusted_by_its_own_file(
    provider: Provider, authority: tuple[ssl.SSLContext, Path]
) -> None:
    """At each of its addresses: metadata, tokens, keys, names."""
    provider.claims["email"] = None
    provider.userinfo["email"] = "jane@example.com"
    settings = replace(provider.settings(), ca_file=str(authority[1]))
    authenticator = OidcAuthenticator(settings, now=lambda: NOON)
    departure = authenticator.begin(CALLBACK, state="S")

    identity = authenticator.complete(provider.sends_back(departure.url), departure.memo)

    assert ("u-1", "j•••@example.com") == (identity.subject, identity.display_name)
    assert {"/token", "/jwks", "/userinfo"} < set(provider.asked)


def test_a_provider_is_not_trusted_without_it(provider: Provider) -> None:
    authenticator = OidcAuthenticator(provider.settings(), now=lambda: NOON)

    with pytest.raises(AuthenticatorMisconfigured) as wrong:
        authenticator.begin(CALLBACK, state="S")

    assert "discovery: certificate: of an unknown CA" == wrong.value.reason
    assert "_CA_FILE" in wrong.value.fix
    assert [] == provider.asked


def test_an_endpoint_is_trusted_by_its_own_file(
    endpoint: Endpoint, authority: tuple[ssl.SSLContext, Path]
) -> None:
    settings = HttpSettings(
        name="shop", url=endpoint.url, secrets=(b"k" * 24,), ca_file=str(authority[1])
    )

    assert "u-81" == HttpAuthenticator(settings, now=lambda: NOON).verify("jane", "x").subject

    trusting_others = HttpAuthenticator(replace(settings, ca_file=None), now=lambda: NOON)
    with pytest.raises(AuthenticatorMisconfigured, match="certificate: of an unknown CA"):
        trusting_others.verify("jane", "x")
    assert 1 == len(endpoint.asked)
