import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, generate_key

from app.accounts.authenticators import (
    AuthenticatorUnavailable,
    AuthorizationRequest,
    ProofRefused,
    SignInDeclined,
)
from app.accounts.identity import Identity
from app.accounts.oidc import OidcAuthenticator
from app.accounts.oidc_settings import OidcSettings
from tests.accounts.hostile_answers import AWAY, HOSTILE, OTHER, WAYS_BACK
from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, KEY, Provider, providing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALLBACK = "http://127.0.0.1:8000/authorize/oidc/stub/callback"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing(NOON) as provider:
        yield provider


@pytest.fixture
def authenticator(provider: Provider) -> OidcAuthenticator:
    return authenticator_for(provider)


def authenticator_for(provider: Provider) -> OidcAuthenticator:
    return OidcAuthenticator(provider.settings(), now=lambda: NOON)


def round_trip(
    authenticator: OidcAuthenticator, provider: Provider, **changed: str | None
) -> Identity:
    """Go there and come back with *changed* parameters; None takes one out."""
    departure = authenticator.begin(CALLBACK, state="S")
    params = {**provider.sends_back(departure.url), **changed}
    there = {name: value for name, value in params.items() if value is not None}
    return authenticator.complete(there, departure.memo)


def test_a_round_trip_proves_who_somebody_is(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """R58: by issuer and subject; the address is for the page, and masked."""
    identity = round_trip(authenticator, provider)

    assert Identity(provider.issuer, "u-1", "j•••@example.com") == identity


def test_setting_out_asks_for_a_fresh_sign_in_with_pkce(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """R18, R56: and each time with other secrets."""
    departure, another = (authenticator.begin(CALLBACK, state="S") for _ in range(2))

    query = parse_qs(urlsplit(departure.url).query)
    assert departure.url.startswith(f"{provider.issuer}/authorize?")
    assert ["code"] == query["response_type"]
    assert ["query"] == query["response_mode"]
    assert ["login"] == query["prompt"]
    assert ["S256"] == query["code_challenge_method"]
    assert [CALLBACK] == query["redirect_uri"]
    assert "openid" in query["scope"][0].split()
    assert query["nonce"] != parse_qs(urlsplit(another.url).query)["nonce"]
    assert query["code_challenge"] != parse_qs(urlsplit(another.url).query)["code_challenge"]


def test_the_code_is_exchanged_with_the_verifier_and_our_secret(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """R56: the secret form-encoded, as RFC 6749 2.3.1 has it, and in no address."""
    departure = authenticator.begin(CALLBACK, state="S")

    authenticator.complete(provider.sends_back(departure.url), departure.memo)

    (exchanged,) = provider.exchanged
    challenge = parse_qs(urlsplit(departure.url).query)["code_challenge"][0]
    digest = sha256(exchanged["code_verifier"].encode()).digest()
    assert challenge == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert "threadlink:s3cret%3Aof%2Fours" == exchanged["basic"]
    assert ("c0de", CALLBACK) == (exchanged["code"], exchanged["redirect_uri"])
    assert exchanged["code_verifier"] not in departure.url


def test_what_a_departure_holds_shows_in_no_text(authenticator: OidcAuthenticator) -> None:
    departure = authenticator.begin(CALLBACK, state="S")

    assert "AuthorizationRequest()" == repr(departure)
    assert isinstance(departure, AuthorizationRequest)


# joserfc warns of the short key.
@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize(("reason", "spoil"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_proves_nobody(
    authenticator: OidcAuthenticator,
    provider: Provider,
    reason: str,
    spoil: Callable[[Provider], None],
) -> None:
    """R57: and the reason is ours, with nothing of what was sent."""
    spoil(provider)

    with pytest.raises(ProofRefused) as refused:
        round_trip(authenticator, provider)

    assert reason == refused.value.reason
    assert (reason,) == refused.value.args


@pytest.mark.parametrize(("changed", "reason"), WAYS_BACK.values(), ids=WAYS_BACK)
def test_a_way_back_that_is_not_right_exchanges_no_code(
    authenticator: OidcAuthenticator,
    provider: Provider,
    changed: dict[str, str | None],
    reason: str,
) -> None:
    """R56: what a browser brings is looked at before anybody is asked about it."""
    with pytest.raises(ProofRefused) as refused:
        round_trip(authenticator, provider, **changed)

    assert reason == refused.value.reason
    assert [] == provider.exchanged


def test_the_answer_to_another_attempt_is_refused(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """R56: whoever starts a sign-in cannot have it finished in somebody else's browser."""
    mine = authenticator.begin(CALLBACK, state="mine")
    theirs = authenticator.begin(CALLBACK, state="theirs")

    with pytest.raises(ProofRefused, match="state"):
        authenticator.complete(provider.sends_back(theirs.url), mine.memo)


def test_turning_back_at_the_provider_is_told_apart(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """The page then says that nothing is broken."""
    with pytest.raises(SignInDeclined):
        round_trip(authenticator, provider, error="access_denied", code=None)


@pytest.mark.parametrize("spoil", AWAY.values(), ids=AWAY)
def test_a_provider_that_does_not_answer_right_is_away(
    authenticator: OidcAuthenticator, provider: Provider, spoil: Callable[[Provider], None]
) -> None:
    """R57: nothing that it says is followed, and the person may try again."""
    spoil(provider)

    with pytest.raises(AuthenticatorUnavailable) as away:
        round_trip(authenticator, provider)

    assert away.value.reason
    assert "evil" not in away.value.reason
    assert away.value.__cause__ is None


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
def test_a_provider_that_says_it_is_away_is_believed(
    authenticator: OidcAuthenticator, provider: Provider, error: str
) -> None:
    with pytest.raises(AuthenticatorUnavailable):
        round_trip(authenticator, provider, error=error, code=None)


def test_a_provider_nobody_listens_at_is_away() -> None:
    settings = OidcSettings(
        name="stub", issuer="http://127.0.0.1:1", client_id="c", client_secret="s", label="Gone"
    )

    with pytest.raises(AuthenticatorUnavailable):
        OidcAuthenticator(settings, now=lambda: NOON).begin(CALLBACK, state="S")


def test_a_rotated_key_is_fetched(authenticator: OidcAuthenticator, provider: Provider) -> None:
    """R57: the first token that it has signed brings it."""
    provider.published, provider.key, provider.header = [KEY, OTHER], OTHER, {"alg": "RS256"}

    assert "u-1" == round_trip(authenticator, provider).subject


def test_keys_are_fetched_once_a_minute_at_most(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """R57: tokens with made-up key ids cannot make us flood the provider."""
    round_trip(authenticator, provider)
    provider.header["kid"] = "made up"

    for _ in range(3):
        with pytest.raises(ProofRefused):
            round_trip(authenticator, provider)

    assert 1 == provider.asked.count("/jwks")
    assert 1 == provider.asked.count("/.well-known/openid-configuration")


@pytest.mark.parametrize("signer", [KEY, OTHER], ids=["first", "second"])
def test_of_two_keys_without_id_the_one_that_fits_is_found(
    authenticator: OidcAuthenticator, provider: Provider, signer: Any
) -> None:
    nameless = [
        type(signer).import_key({k: v for k, v in key.as_dict().items() if k != "kid"})
        for key in (KEY, OTHER)
    ]
    provider.published, provider.key, provider.header = nameless, signer, {"alg": "RS256"}

    assert "u-1" == round_trip(authenticator, provider).subject


@pytest.mark.parametrize(
    ("kind", "size", "algorithm"),
    [
        ("RSA", 2048, "PS256"),
        ("EC", "P-256", "ES256"),
        ("EC", "P-384", "ES384"),
        ("OKP", "Ed25519", "Ed25519"),
    ],
)
def test_other_asymmetric_keys_are_as_good(
    authenticator: OidcAuthenticator, provider: Provider, kind: Any, size: Any, algorithm: str
) -> None:
    key = generate_key(kind, size, {"kid": "k"})
    provider.published, provider.key = [OctKey.import_key("x" * 40), key], key
    provider.encode = lambda claims: jwt.encode(
        {"alg": algorithm, "kid": "k"}, claims, key, algorithms=[algorithm]
    )

    assert "u-1" == round_trip(authenticator, provider).subject


def test_a_minute_of_difference_between_clocks_is_forgiven(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    provider.now = NOON + timedelta(seconds=59)

    assert "u-1" == round_trip(authenticator, provider).subject


def test_a_name_that_the_token_lacks_is_asked_for(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """R14: the confirm page must be able to name the account."""
    provider.claims["email"] = None
    provider.userinfo["preferred_username"] = "jane"

    assert "j•••" == round_trip(authenticator, provider).display_name


@pytest.mark.parametrize("said", [{"sub": "another", "email": "boss@example.com"}, {}])
def test_a_name_of_somebody_else_is_not_shown(
    authenticator: OidcAuthenticator, provider: Provider, said: dict[str, str]
) -> None:
    """OpenID Connect Core 5.3.2: userinfo is believed only about the subject of the token."""
    provider.claims["email"] = None
    provider.userinfo = said

    assert "your Stub account" == round_trip(authenticator, provider).display_name


def test_two_people_with_one_address_stay_two(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """R58: an e-mail address proves nothing."""
    one = round_trip(authenticator, provider)
    provider.claims["sub"] = "u-2"

    other = round_trip(authenticator, provider)

    assert one.display_name == other.display_name
    assert (one.issuer, one.subject) != (other.issuer, other.subject)


def test_a_secret_goes_into_the_form_where_basic_is_not_taken(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    provider.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]

    round_trip(authenticator, provider)

    (exchanged,) = provider.exchanged
    assert (CLIENT_ID, CLIENT_SECRET) == (exchanged["client_id"], exchanged["client_secret"])
    assert "basic" not in exchanged
