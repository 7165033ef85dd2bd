import base64
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey, generate_key
from werkzeug.wrappers import Response

from app.accounts.authenticators import (
    AuthenticatorUnavailable,
    Departure,
    ProofRefused,
    SignInDeclined,
)
from app.accounts.identity import Identity
from app.accounts.oidc import Client, OidcAuthenticator
from tests.accounts.provider import CLIENT_ID, CLIENT_SECRET, KEY, Provider, providing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALLBACK = "http://127.0.0.1:8000/authorize/oidc/stub/callback"
AT = int(NOON.timestamp())
OTHER = generate_key("RSA", 2048, {"kid": "two", "use": "sig"})


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing(NOON) as provider:
        yield provider


@pytest.fixture
def authenticator(provider: Provider) -> OidcAuthenticator:
    return authenticator_for(provider)


def authenticator_for(provider: Provider) -> OidcAuthenticator:
    client = Client(
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        label="Stub",
    )
    return OidcAuthenticator(client, now=lambda: NOON)


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

    assert "Departure()" == repr(departure)
    assert isinstance(departure, Departure)


def _hs256_with_the_public_key(claims: dict[str, Any]) -> str:
    # By hand: no library of today makes one.
    def part(value: object) -> str:
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    signed = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"

    mac = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{part(mac)}"


def _unsigned(claims: dict[str, Any]) -> str:
    header, payload, _ = jwt.encode({"alg": "RS256"}, claims, KEY).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{header}.{payload}."


def _tampered(claims: dict[str, Any]) -> str:
    header, _, signature = jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY).split(".")
    payload = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "boss"}).encode())
    return f"{header}.{payload.rstrip(b'=').decode()}.{signature}"


def _with_its_own_key(claims: dict[str, Any]) -> str:
    key = generate_key("EC", "P-256")
    return jwt.encode({"alg": "ES256", "jwk": key.as_dict(private=False)}, claims, key)


def _with_half_a_character(claims: dict[str, Any]) -> str:
    payload = json.dumps({**claims, "nonce": "\ud800"})
    return jws.serialize_compact({"alg": "RS256"}, payload, KEY)


HOSTILE: dict[str, tuple[str, Callable[[Provider], None]]] = {
    "wrong issuer": ("issuer", lambda p: p.claims.update(iss="https://evil.example")),
    "issuer with a slash more": ("issuer", lambda p: p.claims.update(iss=p.issuer + "/")),
    "no issuer": ("issuer", lambda p: p.claims.update(iss=None)),
    "for another client": ("audience", lambda p: p.claims.update(aud="somebody")),
    "for us and another": ("audience", lambda p: p.claims.update(aud=[CLIENT_ID, "other"])),
    "made for another party": ("audience", lambda p: p.claims.update(azp="other")),
    "no audience": ("audience", lambda p: p.claims.update(aud=None)),
    "audience that holds us inside": ("audience", lambda p: p.claims.update(aud=f"x{CLIENT_ID}")),
    "wrong nonce": ("nonce", lambda p: p.claims.update(nonce="replayed")),
    "no nonce": ("nonce", lambda p: p.claims.update(nonce=None)),
    "nonce that is no text": ("nonce", lambda p: p.claims.update(nonce=["x"])),
    "nonce of half a character": ("nonce", lambda p: setattr(p, "encode", _with_half_a_character)),
    "algorithm none": ("algorithm", lambda p: setattr(p, "encode", _unsigned)),
    "HS256 with the public key": (
        "algorithm",
        lambda p: setattr(p, "encode", _hs256_with_the_public_key),
    ),
    "HS256 with our secret": (
        "algorithm",
        lambda p: p.__dict__.update(
            key=OctKey.import_key(CLIENT_SECRET * 4), header={"alg": "HS256"}
        ),
    ),
    "tampered": ("signature", lambda p: setattr(p, "encode", _tampered)),
    "signed by another key": ("signature", lambda p: setattr(p, "key", OTHER)),
    "brings its own key": ("signature", lambda p: setattr(p, "encode", _with_its_own_key)),
    "unknown key": ("signature", lambda p: p.header.update(kid="nine")),
    "no keys": ("signature", lambda p: p.published.clear()),
    "no subject": ("subject", lambda p: p.claims.update(sub=None)),
    "empty subject": ("subject", lambda p: p.claims.update(sub="")),
    "subject that is a number": ("subject", lambda p: p.claims.update(sub=7)),
    "subject with NUL": ("subject", lambda p: p.claims.update(sub="a\0b")),
    "subject without end": ("subject", lambda p: p.claims.update(sub="a" * 256)),
    "expired": ("expired", lambda p: p.claims.update(exp=AT - 61)),
    "no expiry": ("expired", lambda p: p.claims.update(exp=None)),
    "expiry that is text": ("expired", lambda p: p.claims.update(exp=str(AT + 300))),
    "expiry that is no number": ("expired", lambda p: p.claims.update(exp=float("nan"))),
    "issued tomorrow": ("issued at", lambda p: p.claims.update(iat=AT + 86_400)),
    "issued before we asked": ("issued at", lambda p: p.claims.update(iat=AT - 3600)),
    "not valid yet": ("not yet valid", lambda p: p.claims.update(nbf=AT + 61)),
    "an old sign-in stood": ("auth_time", lambda p: p.claims.update(auth_time=AT - 3600)),
    "no token": ("no token", lambda p: setattr(p, "encode", lambda _: "a.b")),
    "token of half a character": ("no token", lambda p: setattr(p, "encode", lambda _: "\ud800")),
    "no ID Token": ("no ID Token", lambda p: setattr(p, "encode", lambda _: None)),
    "ID Token that is a list": ("no ID Token", lambda p: setattr(p, "encode", lambda _: ["x"])),
    "the code is not known": (
        "the provider does not know the code",
        lambda p: p.instead.update(
            {"/token": lambda: Response('{"error":"invalid_grant"}', status=400)}
        ),
    ),
}


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


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"state": "another"}, "state"),
        ({"state": ""}, "state"),
        ({"state": None}, "state"),
        ({"state": "\ud800"}, "state"),
        ({"iss": "https://evil.example"}, "issuer of the answer"),
        ({"iss": None}, "issuer of the answer"),
        ({"iss": ""}, "issuer of the answer"),
        ({"code": None}, "no code"),
        ({"code": ""}, "no code"),
        ({"error": "invalid_scope"}, "an error of the provider's"),
        ({"error": "<script>"}, "an error of the provider's"),
    ],
)
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


def _redirect() -> Response:
    return Response(status=302, headers={"Location": "http://127.0.0.1:1/"})


AWAY: dict[str, Callable[[Provider], None]] = {
    "discovery names another issuer": lambda p: p.metadata.update(issuer="https://evil.example"),
    "discovery names none": lambda p: p.metadata.update(issuer=None),
    "discovery leads to plain http": lambda p: p.metadata.update(
        token_endpoint="http://idp.example/token"
    ),
    "discovery leads to a script": lambda p: p.metadata.update(
        authorization_endpoint="javascript:alert(1)"
    ),
    "discovery leads to somebody's password": lambda p: p.metadata.update(
        jwks_uri="https://user:pw@idp.example/jwks"
    ),
    "discovery without an endpoint": lambda p: p.metadata.update(token_endpoint=None),
    "discovery is a redirect": lambda p: p.instead.update(
        {"/.well-known/openid-configuration": _redirect}
    ),
    "discovery is HTML": lambda p: p.instead.update(
        {"/.well-known/openid-configuration": lambda: Response("<html>")}
    ),
    "discovery is too deep": lambda p: p.instead.update(
        {"/.well-known/openid-configuration": lambda: Response("[" * 100_000)}
    ),
    "discovery without end": lambda p: p.instead.update(
        {"/.well-known/openid-configuration": lambda: Response("x" * 300_000)}
    ),
    "token endpoint fails": lambda p: p.instead.update({"/token": lambda: Response(status=500)}),
    "token endpoint redirects": lambda p: p.instead.update({"/token": _redirect}),
    "token endpoint does not know us": lambda p: p.instead.update(
        {"/token": lambda: Response('{"error":"invalid_client"}', status=401)}
    ),
    "keys fail": lambda p: p.instead.update({"/jwks": lambda: Response("{}", status=503)}),
    "keys are HTML": lambda p: p.instead.update({"/jwks": lambda: Response("<html>")}),
}


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
    client = Client(issuer="http://127.0.0.1:1", client_id="c", client_secret="s", label="Gone")

    with pytest.raises(AuthenticatorUnavailable):
        OidcAuthenticator(client, now=lambda: NOON).begin(CALLBACK, state="S")


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
