"""Providers that accept connections and never finish: no sign-in waits for long."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from app.accounts.authenticators import AuthenticatorUnavailable
from app.accounts.oidc import TOTAL_S, OidcAuthenticator
from app.accounts.upstream import MOST_CONCURRENT
from tests.accounts.oidc_provider import Provider, providing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALLBACK = "http://127.0.0.1:8000/authorize/oidc/stub/callback"
DISCOVERY = "/.well-known/openid-configuration"
SHORT_S = 0.5


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing(NOON) as provider:
        yield provider


def authenticator_for(provider: Provider, *, total_s: float = SHORT_S) -> OidcAuthenticator:
    return OidcAuthenticator(provider.settings(), now=lambda: NOON, total_s=total_s)


@pytest.mark.parametrize("how", ["silent", "dripping"])
def test_setting_out_to_a_provider_that_hangs_is_given_up(provider: Provider, how: str) -> None:
    """A person hears that it is away while there is still time for another way."""
    provider.slow[DISCOVERY] = how

    with pytest.raises(AuthenticatorUnavailable) as away:
        authenticator_for(provider).begin(CALLBACK, state="S")

    assert away.value.reason
    assert away.value.__cause__ is None


@pytest.mark.parametrize("path", ["/token", "/jwks"])
@pytest.mark.parametrize("how", ["silent", "dripping"])
def test_coming_back_to_a_provider_that_hangs_is_given_up(
    provider: Provider, path: str, how: str
) -> None:
    """The sign-in may have been right, and proves nobody all the same."""
    departure = authenticator_for(provider, total_s=TOTAL_S).begin(CALLBACK, state="S")
    provider.slow[path] = how

    with pytest.raises(AuthenticatorUnavailable) as away:
        authenticator_for(provider).complete(provider.sends_back(departure.url), departure.memo)

    assert away.value.reason
    assert "c0de" not in f"{away.value} {away.value.reason}"


def test_a_name_that_does_not_come_costs_nobody_the_sign_in(provider: Provider) -> None:
    """R14: userinfo is for the name alone, and another one is shown."""
    authenticator = authenticator_for(provider, total_s=TOTAL_S)
    departure = authenticator.begin(CALLBACK, state="S")
    provider.claims["email"] = None
    provider.slow["/userinfo"] = "silent"

    identity = authenticator_for(provider, total_s=2.0).complete(
        provider.sends_back(departure.url), departure.memo
    )

    assert ("u-1", "your Stub account") == (identity.subject, identity.display_name)


def test_a_provider_that_hangs_leaves_places_for_others(provider: Provider) -> None:
    """Half the gate at most waits for it; whoever comes then is told so at once."""
    provider.slow[DISCOVERY] = "silent"
    authenticator = authenticator_for(provider, total_s=60)
    with ThreadPoolExecutor(MOST_CONCURRENT) as pool:
        waiting = [
            pool.submit(authenticator.begin, CALLBACK, state="S") for _ in range(MOST_CONCURRENT)
        ]
        for _ in waiting:
            provider.questions.acquire()

        with pytest.raises(AuthenticatorUnavailable, match="too many"):
            authenticator.begin(CALLBACK, state="S")

        provider.over.set()
        assert all(one.result().url for one in waiting)
    assert authenticator.begin(CALLBACK, state="S").url
