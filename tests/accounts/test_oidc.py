import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, generate_key
from werkzeug.wrappers import Response

from app.accounts.authenticators import (
    AccountNotAdmitted,
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    AuthorizationRequest,
    ProofRefused,
    SignInDeclined,
    SignInNotFresh,
)
from app.accounts.identity import Identity
from app.accounts.oidc import OidcAuthenticator
from app.accounts.oidc_keys import KEYS_LIFE_S, MOST_LOOKS
from app.accounts.oidc_settings import BASIC, POST, OidcSettings
from tests.accounts.hostile_answers import (
    AWAY,
    CODES_OF_OUR_SETUP,
    HOSTILE,
    MISCONFIGURED,
    OTHER,
    WAYS_BACK,
)
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


@pytest.mark.parametrize(
    ("told", "is_assigned"),
    [
        (None, True),
        ("The user denied the request", True),
        ("User is not assigned to the client application.", False),
        ("AADSTS50105: Your administrator has configured the application ...", False),
    ],
)
def test_turning_back_at_the_provider_is_told_apart(
    authenticator: OidcAuthenticator, provider: Provider, told: str | None, *, is_assigned: bool
) -> None:
    """The page then says that nothing is broken; nothing of the description is kept."""
    with pytest.raises(SignInDeclined) as declined:
        round_trip(
            authenticator, provider, error="access_denied", error_description=told, code=None
        )

    assert is_assigned is not isinstance(declined.value, AccountNotAdmitted)
    assert ("assign the people" in declined.value.fix) is not is_assigned
    assert "answer: error access_denied" == declined.value.reason.removesuffix(", not assigned")


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
    assert not isinstance(away.value, AuthenticatorMisconfigured)


@pytest.mark.parametrize(("reason", "fix", "spoil"), MISCONFIGURED.values(), ids=MISCONFIGURED)
def test_what_no_waiting_cures_is_told_from_an_outage(
    authenticator: OidcAuthenticator,
    provider: Provider,
    reason: str,
    fix: str,
    spoil: Callable[[Provider], None],
) -> None:
    """R57: the operator hears which part is wrong, and the fix; nothing that was sent is kept."""
    spoil(provider)

    with pytest.raises(AuthenticatorMisconfigured) as wrong:
        round_trip(authenticator, provider)

    assert reason == wrong.value.reason
    assert fix in wrong.value.fix
    assert "evil" not in f"{wrong.value.reason}{wrong.value.fix}"
    assert wrong.value.__cause__ is None


def test_an_issuer_without_the_slash_is_told_from_one_with_it(provider: Provider) -> None:
    provider.metadata["issuer"] = provider.issuer
    settings = replace(provider.settings(), issuer=f"{provider.issuer}/")

    with pytest.raises(AuthenticatorMisconfigured) as wrong:
        OidcAuthenticator(settings, now=lambda: NOON).begin(CALLBACK, state="S")

    assert "discovery: its issuer has no slash at the end" == wrong.value.reason
    assert "remove the slash at the end of OIDC_<NAME>_ISSUER" == wrong.value.fix


@pytest.mark.parametrize(("code", "fix"), CODES_OF_OUR_SETUP.items())
def test_an_error_about_our_client_is_none_of_the_persons(
    authenticator: OidcAuthenticator, provider: Provider, code: str, fix: str
) -> None:
    """RFC 6749 (4.1.2.1), OpenID Connect Core (3.1.2.6): by its code, in the operator's words."""
    with pytest.raises(AuthenticatorMisconfigured) as wrong:
        round_trip(authenticator, provider, error=code, error_description="evil", code=None)

    assert f"answer: error {code}" == wrong.value.reason
    assert fix in wrong.value.fix
    assert [] == provider.exchanged


def test_an_old_sign_in_is_told_from_a_bad_answer(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """R18: only signing out there helps, where prompt=login is ignored."""
    provider.claims["auth_time"] = int(NOON.timestamp()) - 3600

    with pytest.raises(SignInNotFresh) as refused:
        round_trip(authenticator, provider)

    assert "claim: auth_time" == refused.value.reason
    assert "prompt=login" in refused.value.fix


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


def test_each_unknown_key_is_looked_for_once(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """R57: a key that came within a minute is found; made-up ones cannot flood the provider."""
    round_trip(authenticator, provider)
    provider.header["kid"] = "made up"
    for _ in range(3):
        with pytest.raises(ProofRefused, match="key: none with this kid"):
            round_trip(authenticator, provider)
    assert 2 == provider.asked.count("/jwks")

    provider.published, provider.key, provider.header = [OTHER], OTHER, {"alg": "RS256"}
    provider.header["kid"] = "two"
    assert "u-1" == round_trip(authenticator, provider).subject

    for number in range(2 * MOST_LOOKS):
        provider.header["kid"] = f"made up {number}"
        with pytest.raises(ProofRefused):
            round_trip(authenticator, provider)
    assert 1 + MOST_LOOKS == provider.asked.count("/jwks")
    assert 1 == provider.asked.count("/.well-known/openid-configuration")


def test_a_withdrawn_key_is_trusted_for_an_hour_at_most(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R57: whoever has stolen it does not send tokens with an unknown kid."""
    passed_s = 0.0
    monkeypatch.setattr("app.accounts.oidc_keys.monotonic", lambda: passed_s)
    authenticator = authenticator_for(provider)
    round_trip(authenticator, provider)
    provider.published = [OTHER]
    passed_s = KEYS_LIFE_S - 1
    assert "u-1" == round_trip(authenticator, provider).subject

    passed_s = KEYS_LIFE_S

    with pytest.raises(ProofRefused, match="key: none with this kid"):
        round_trip(authenticator, provider)


def test_keys_that_cannot_be_fetched_again_are_not_trusted(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_s = 0.0
    monkeypatch.setattr("app.accounts.oidc_keys.monotonic", lambda: passed_s)
    authenticator = authenticator_for(provider)
    round_trip(authenticator, provider)
    provider.instead["/jwks"] = lambda: Response("{}", status=503)
    passed_s = KEYS_LIFE_S

    with pytest.raises(AuthenticatorUnavailable, match="keys: status 503"):
        round_trip(authenticator, provider)


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


@pytest.mark.parametrize("minutes", [-2.5, 2.5])
def test_clocks_may_differ_by_minutes(
    authenticator: OidcAuthenticator, provider: Provider, minutes: float
) -> None:
    """RFC 7519, section 4.1.4; a server whose clock is fast refuses nobody who is quick."""
    provider.now = NOON + timedelta(minutes=minutes)
    provider.claims["nbf"] = int(provider.now.timestamp())
    provider.claims["exp"] = int(provider.now.timestamp()) + 60

    assert "u-1" == round_trip(authenticator, provider).subject


def test_entra_id_puts_the_time_of_issue_five_minutes_back(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """AppAuth-iOS issue 264: who signs in there within four minutes is not refused for it."""
    issued = int(NOON.timestamp()) - 300
    provider.claims.update(iat=issued, nbf=issued, exp=issued + 3900, auth_time=None)

    assert "u-1" == round_trip(authenticator, provider).subject


def test_a_name_that_the_token_lacks_is_asked_for(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """R14: the confirm page must be able to name the account."""
    provider.claims["email"] = None
    provider.userinfo["preferred_username"] = "jane"

    assert "j•••" == round_trip(authenticator, provider).display_name


@pytest.mark.parametrize(
    ("claims", "names"),
    [
        ({"email": "jane@example.com", "email_verified": True}, ("jane@example.com",)),
        ({"email": "jane@example.com", "email_verified": "true"}, ("jane@example.com",)),
        ({"email": "boss@example.com", "email_verified": False}, ()),
        ({"email": "boss@example.com"}, ()),
        ({"preferred_username": "jane", "email": "boss@example.com"}, ("jane",)),
        ({"preferred_username": ["jane"], "name": "Jane"}, ()),
        ({"preferred_username": "j" * 201, "name": "Jane"}, ()),
    ],
)
def test_operators_find_a_user_by_names_that_the_provider_has_checked(
    authenticator: OidcAuthenticator,
    provider: Provider,
    claims: dict[str, object],
    names: tuple[str, ...],
) -> None:
    """OpenID Connect Core 5.1: an e-mail address is the user's if email_verified says so."""
    provider.claims.update({"email": None, "email_verified": None, **claims})

    assert names == round_trip(authenticator, provider).known_as


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


@pytest.mark.parametrize(
    ("offered", "chosen", "used"),
    [
        (None, None, BASIC),
        ([POST], None, POST),
        ([POST, BASIC], None, BASIC),
        ([POST, BASIC], POST, POST),
        ([POST], BASIC, BASIC),
        (["private_key_jwt"], POST, POST),
    ],
)
def test_the_secret_is_sent_as_the_provider_expects_it(
    provider: Provider, offered: list[str] | None, chosen: str | None, used: str
) -> None:
    """Authelia, Hydra and ForgeRock offer both, and take of each client one alone."""
    provider.metadata["token_endpoint_auth_methods_supported"] = offered
    settings = replace(provider.settings(), auth_method=chosen)

    round_trip(OidcAuthenticator(settings, now=lambda: NOON), provider)

    (exchanged,) = provider.exchanged
    if used == BASIC:
        assert "threadlink:s3cret%3Aof%2Fours" == exchanged["basic"]
        assert "client_secret" not in exchanged
    else:
        assert (CLIENT_ID, CLIENT_SECRET) == (exchanged["client_id"], exchanged["client_secret"])
        assert "basic" not in exchanged


def test_an_access_token_of_a_kind_that_is_not_understood_is_not_used(
    authenticator: OidcAuthenticator, provider: Provider
) -> None:
    """RFC 6749, section 7.1."""
    provider.claims["email"] = None
    provider.userinfo["email"] = "jane@example.com"
    provider.token_type = "DPoP"

    assert "your Stub account" == round_trip(authenticator, provider).display_name
    assert "/userinfo" not in provider.asked
