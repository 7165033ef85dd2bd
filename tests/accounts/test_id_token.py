"""ID Tokens part by part: what the standards have ignored is ignored, what they refuse is refused.

RFC 7515 (headers), 7517 (keys), 7518 (algorithms), 7519 (claims), OpenID Connect Core 1.0.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import pytest
from joserfc import jws
from joserfc.jwk import Key, OctKey, generate_key

from app.accounts.authenticators import ProofRefused, SignInNotFresh
from app.accounts.id_token import LEEWAY_S, Expected, KeyMissing, check_id_token
from app.accounts.oidc_keys import ALGORITHMS, ProviderKeys, SigningKey, read_keys
from app.accounts.upstream import Reply
from tests.accounts.hostile_answers import SHORT

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW: Final = int(NOON.timestamp())
RSA: Final = generate_key("RSA", 2048)
P256: Final = generate_key("EC", "P-256")
P384: Final = generate_key("EC", "P-384")
EDWARDS: Final = generate_key("OKP", "Ed25519")
EXPECTED: Final = Expected(
    issuer="https://id.example.com",
    client_id="us",
    nonce="n0nce",
    begun_at=NOON,
    access_token="at",
)


def jwk(key: Key, **changed: Any) -> dict[str, Any]:
    members = {**key.as_dict(private=False), "kid": "one", "use": "sig", **changed}
    return {name: value for name, value in members.items() if value is not None}


def keys(*jwks: object) -> tuple[SigningKey, ...]:
    return read_keys({"keys": list(jwks)})


def claims(**changed: Any) -> dict[str, Any]:
    """Return what is right with *changed* claims; None takes one out."""
    right = {
        "iss": "https://id.example.com",
        "aud": "us",
        "sub": "u-1",
        "nonce": "n0nce",
        "iat": NOW,
        "exp": NOW + 300,
    }
    return {name: value for name, value in {**right, **changed}.items() if value is not None}


def part(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(header: object, payload: object, key: Key = RSA, algorithm: str = "RS256") -> str:
    """Return a token with a right signature, whatever *header* says; no library makes some."""
    signing = f"{part(header)}.{part(payload)}"
    signature = jws.JWSRegistry.algorithms[algorithm].sign(signing.encode(), key)
    return f"{signing}.{part(signature)}"


def token(payload: Mapping[str, Any] | None = None, **header: Any) -> str:
    return signed({"alg": "RS256", "kid": "one", **header}, payload or claims())


def checked(
    token: str, *jwks: object, expected: Expected = EXPECTED, at: datetime = NOON
) -> Mapping[str, Any]:
    return check_id_token(token, keys(*(jwks or [jwk(RSA)])), expected, at=at)


def refusal(token: str, *jwks: object) -> str:
    """Return the reason for which *token* is refused."""
    with pytest.raises(ProofRefused) as refused:
        checked(token, *jwks)
    assert (refused.value.reason,) == refused.value.args
    assert refused.value.__cause__ is None
    return refused.value.reason


# --- The header (RFC 7515, section 4) ---


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "jwt"},
        {"typ": "application/id+jwt"},
        {"typ": 7},
        {"cty": "json"},
        {"x5t": "abc", "x5t#S256": "abc"},
        {"x5c": ["M" * 1500, "M" * 1500]},
        {"x5c": "no list"},
        {"jku": "https://evil.example/jwks", "x5u": "https://evil.example/x5u"},
        {"jku": "no address"},
        {"jwk": P256.as_dict(private=False)},
        {"jwk": "no key"},
        {"private": {"anything": [1]}},
        {"eap": 7, "zip": "DEF"},
        {"b64": True},
    ],
    ids=" ".join,
)
def test_a_header_parameter_that_is_not_needed_is_ignored(header: dict[str, Any]) -> None:
    """RFC 7515, section 4: "that are not understood MUST be ignored"; nothing is fetched either."""
    assert "u-1" == checked(token(**header))["sub"]


def test_a_payload_that_is_not_encoded_is_refused() -> None:
    """RFC 7797, section 6: "crit" must say so, and is not understood; nor is it without."""
    assert "header: b64" == refusal(token(b64=False))


@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["private"], [], "exp", None, 7], ids=repr)
def test_what_is_critical_and_not_understood_refuses_the_token(crit: object) -> None:
    """RFC 7515, section 4.1.11: nothing is, and an empty or malformed list is invalid, too."""
    assert "header: crit" == refusal(token(crit=crit, exp=1, b64=False, private=1))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "rs256", "RS1", "ES256K", "", None, 7, []])
def test_no_other_algorithm_is_taken(algorithm: object) -> None:
    """RFC 7518, section 3.1: names are case-sensitive."""
    assert "header: alg" == refusal(token(alg=algorithm))


@pytest.mark.parametrize("kid", [7, ["one"], {"one": 1}, True])
def test_a_kid_is_a_string(kid: object) -> None:
    """RFC 7515, section 4.1.4."""
    assert "header: kid" == refusal(token(kid=kid))


def test_of_a_parameter_that_is_there_twice_the_last_counts() -> None:
    """RFC 7515, section 4: refuse the token, or take "the lexically last" one."""
    last = b'{"alg":"none","alg":"RS256","kid":"one"}'
    wrong = b'{"alg":"RS256","kid":"one","alg":"none"}'
    twice = json.dumps(claims())[:-1].encode() + b',"sub":"u-2"}'

    assert "u-1" == checked(signed(last, claims()))["sub"]
    assert "header: alg" == refusal(signed(wrong, claims()))
    assert "u-2" == checked(signed({"alg": "RS256"}, twice))["sub"]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ("", "token: no JWS"),
        ("a.b", "token: no JWS"),
        ("a.b.c.d", "token: no JWS"),
        ("....", "token: encrypted"),
        ("é.b.c", "token: no JWS"),
        (token() + "=", "signature"),
        (token() + "\n", "signature"),
        (" " + token(), "token: no JWS"),
        (part([1]) + ".b.c", "token: no JWS"),
        (part(b"[" * 100_000) + ".b.c", "token: no JWS"),
        (part({"alg": "RS256"}) + ".%%.c", "token: no JWS"),
        (token().rpartition(".")[0] + ".", "signature"),
        (signed({"alg": "RS256"}, b"no JSON"), "payload: no JSON object"),
        (signed({"alg": "RS256"}, [claims()]), "payload: no JSON object"),
        (signed({"alg": "RS256"}, b"[" * 90_000), "payload: no JSON object"),
        (signed({"alg": "RS256"}, token().encode()), "payload: no JSON object"),
    ],
    ids=range(16),
)
def test_what_is_no_signed_token_is_refused_for_what_it_is(made: str, reason: str) -> None:
    """A nested or an encrypted token as well; padding is none of base64url (RFC 7515, 2)."""
    assert reason == refusal(made)


# --- Algorithms and keys (RFC 7517, RFC 7518) ---

_EACH_KEY: Final[Mapping[str, Key]] = {
    "RS": RSA,
    "PS": RSA,
    "ES256": P256,
    "ES384": P384,
    "ES512": generate_key("EC", "P-521"),
    "Ed": EDWARDS,
}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_is_taken_without_a_warning(algorithm: str) -> None:
    """EdDSA as well, whose name joserfc calls deprecated, and Ed25519, its name of RFC 9864."""
    key = next(key for name, key in _EACH_KEY.items() if algorithm.startswith(name))
    made = signed({"alg": algorithm, "kid": "one"}, claims(), key, algorithm)

    for named in (None, algorithm):
        assert "u-1" == checked(made, jwk(key, alg=named))["sub"]


@pytest.mark.parametrize(("of_key", "of_token"), [("EdDSA", "Ed25519"), ("Ed25519", "EdDSA")])
def test_both_names_of_one_algorithm_fit(of_key: str, of_token: str) -> None:
    made = signed({"alg": of_token, "kid": "one"}, claims(), EDWARDS, of_token)

    assert "u-1" == checked(made, jwk(EDWARDS, alg=of_key))["sub"]


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"use": "SIG"},
        {"use": 7},
        {"use": None, "key_ops": ["encrypt"]},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"alg": "RSA-OAEP"},
        {"alg": "HS256"},
        {"alg": 7},
        {"alg": []},
        {"n": None},
        {"n": 7},
        {"e": "AA"},
        {"kty": "rsa"},
        {"kty": ["RSA"]},
        {"kty": None},
    ],
    ids=str,
)
def test_a_key_that_does_not_fit_is_skipped(changed: dict[str, Any]) -> None:
    """RFC 7517, section 5: and costs the others nothing, also one with the same kid."""
    odd = jwk(RSA, **changed)

    assert "key: none with this kid" == refusal(token(), odd)
    assert "u-1" == checked(token(), odd, jwk(RSA))["sub"]


@pytest.mark.parametrize(
    "changed",
    [
        {"use": None},
        {"key_ops": ["verify"]},
        {"use": None, "key_ops": ["verify", "sign"]},
        {"alg": "RS256"},
        {"x5c": "no list", "x5t": 7, "x5u": "no address"},
        {"private": {"anything": 1}, "exp": 0, "status": "x"},
        {"kid": None},
        {"kid": 7},
        {"d": "spoilt"},
    ],
    ids=str,
)
def test_a_key_with_more_or_less_than_usual_is_used(changed: dict[str, Any]) -> None:
    """RFC 7517, section 4: all but kty is optional, and what is unknown is ignored."""
    assert "u-1" == checked(token(), jwk(RSA, **changed))["sub"]


@pytest.mark.parametrize("odd", [None, 7, "key", [], {}, {"kty": "oct", "k": "eA", "kid": "one"}])
def test_a_member_that_is_no_key_is_skipped(odd: object) -> None:
    assert "u-1" == checked(token(), odd, jwk(RSA))["sub"]


@pytest.mark.parametrize("key_set", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}])
def test_a_set_without_keys_has_none(key_set: dict[str, Any]) -> None:
    assert () == read_keys(key_set)


def test_of_two_keys_with_one_kid_the_right_one_is_found() -> None:
    """RFC 7517, section 4.5: of other types, or of one and the same."""
    other = generate_key("RSA", 2048)

    assert "u-1" == checked(token(), jwk(P256), jwk(RSA))["sub"]
    assert "u-1" == checked(token(), jwk(other), jwk(RSA))["sub"]


@pytest.mark.parametrize(
    ("header", "jwks", "reason"),
    [
        ({"kid": "two"}, [jwk(RSA)], "key: none with this kid"),
        ({"kid": None}, [], "key: none"),
        ({}, [jwk(RSA, alg="PS256")], "key: none for this algorithm"),
        ({}, [jwk(P256)], "signature"),
        ({"alg": "ES256"}, [jwk(RSA)], "signature"),
        ({"alg": "ES384"}, [jwk(P256)], "signature"),
        ({"alg": "EdDSA"}, [jwk(RSA)], "signature"),
        ({"alg": "PS256"}, [jwk(RSA)], "signature"),
    ],
)
def test_a_token_without_its_key_says_which_part_is_missing(
    header: dict[str, Any], jwks: list[dict[str, Any]], reason: str
) -> None:
    with pytest.raises(KeyMissing) as missing:
        check_id_token(token(**header), keys(*jwks), EXPECTED, at=NOON)

    assert reason == missing.value.reason
    assert header.get("kid", "one") == missing.value.kid


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_a_short_rsa_key_signs_nothing() -> None:
    """RFC 7518, section 3.3: "A key of size 2048 bits or larger MUST be used"."""
    made = signed({"alg": "RS256", "kid": "one"}, claims(), SHORT)

    assert "key: RSA of fewer than 2048 bits" == refusal(made, jwk(SHORT))


def test_our_secret_signs_nothing() -> None:
    secret = OctKey.import_key("s3cret" * 10)
    made = signed({"alg": "HS256", "kid": "one"}, claims(), secret, "HS256")

    assert "header: alg" == refusal(made, {**secret.as_dict(), "kid": "one"})


def test_a_look_by_another_thread_is_new_enough() -> None:
    """Ten people who come with one new key make one request."""
    replies = [Reply(200, json.dumps({"keys": [jwk(key)]}).encode()) for key in (RSA, P256, P384)]
    provider_keys, fetched = ProviderKeys(), iter(replies)
    old = provider_keys.current(lambda: next(fetched))
    new = provider_keys.newer(old, "two", lambda: next(fetched))

    assert new is provider_keys.newer(old, "three", lambda: next(fetched))
    assert new is provider_keys.current(lambda: next(fetched))
    assert replies[2] is next(fetched)


# --- The claims (RFC 7519, section 4; OpenID Connect Core 1.0, sections 2 and 3.1.3.7) ---

_HALF: Final = base64.urlsafe_b64encode(sha256(b"at").digest()[:16]).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "changed",
    [
        {"acr": "0", "amr": ["pwd"]},
        {"acr": 7, "amr": "pwd"},
        {"jti": "x", "sid": "x", "session_state": "x", "hd": "example.com"},
        {"groups": ["g" * 36] * 4000},
        {"c_hash": "anything", "s_hash": 7},
        {"aud": ["us"]},
        {"aud": ["us", "us"]},
        {"azp": "us"},
        {"aud": ["us", "other"], "azp": "us"},
        {"aud": ["other", "us", 7, None], "azp": "us"},
        {"exp": NOW + 0.5},
        {"exp": NOW - LEEWAY_S + 1},
        {"exp": 10**400},
        {"iat": NOW + 0.25},
        {"iat": NOW - 300, "nbf": NOW - 300, "exp": NOW + 3600},
        {"iat": NOW - 86_400},
        {"iat": NOW + LEEWAY_S + 1},
        {"iat": 0},
        {"nbf": NOW + LEEWAY_S},
        {"nbf": NOW - 0.5},
        {"auth_time": NOW - LEEWAY_S},
        {"auth_time": NOW + 0.5},
        {"auth_time": NOW + 60},
        {"at_hash": _HALF},
        {"sub": "a" * 255},
        {"sub": "auth0|66f1 ü"},
    ],
    ids=lambda changed: str(changed)[:40],
)
def test_a_token_as_providers_make_it_is_taken(changed: dict[str, Any]) -> None:
    """Unknown claims are ignored, and a NumericDate may have a fraction (RFC 7519, section 2)."""
    assert changed.get("sub", "u-1") == checked(token(claims(**changed)))["sub"]


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("claim: iss", {"iss": None}),
        ("claim: iss", {"iss": "https://id.example.com/"}),
        ("claim: iss", {"iss": "https://ID.example.com"}),
        ("claim: iss", {"iss": ["https://id.example.com"]}),
        ("claim: aud", {"aud": None}),
        ("claim: aud", {"aud": []}),
        ("claim: aud", {"aud": ["other"]}),
        ("claim: aud", {"aud": {"us": 1}}),
        ("claim: aud", {"aud": "us other"}),
        ("claim: aud", {"aud": "other", "azp": "us"}),
        ("claim: azp", {"aud": ["us", "other"]}),
        ("claim: azp", {"aud": ["us", 7]}),
        ("claim: azp", {"azp": "other"}),
        ("claim: azp", {"azp": ["us"]}),
        ("claim: azp", {"azp": ""}),
        ("claim: nonce", {"nonce": None}),
        ("claim: nonce", {"nonce": "N0nce"}),
        ("claim: nonce", {"nonce": 7}),
        ("claim: exp", {"exp": None}),
        ("claim: exp", {"exp": NOW - LEEWAY_S}),
        ("claim: exp", {"exp": str(NOW + 300)}),
        ("claim: exp", {"exp": True}),
        ("claim: exp", {"exp": float("nan")}),
        ("claim: exp", {"exp": float("inf")}),
        ("claim: iat", {"iat": None}),
        ("claim: iat", {"iat": str(NOW)}),
        ("claim: iat", {"iat": float("nan")}),
        ("claim: nbf", {"nbf": NOW + LEEWAY_S + 1}),
        ("claim: nbf", {"nbf": str(NOW)}),
        ("claim: nbf", {"nbf": float("nan")}),
        ("claim: auth_time", {"auth_time": str(NOW)}),
        ("claim: auth_time", {"auth_time": float("nan")}),
        ("claim: at_hash", {"at_hash": "AAAA"}),
        ("claim: at_hash", {"at_hash": _HALF + "="}),
        ("claim: at_hash", {"at_hash": "ü"}),
        ("claim: at_hash", {"at_hash": 7}),
        ("claim: sub", {"sub": None}),
        ("claim: sub", {"sub": ""}),
        ("claim: sub", {"sub": 7}),
        ("claim: sub", {"sub": ["u-1"]}),
        ("claim: sub", {"sub": "a" * 256}),
        ("claim: sub", {"sub": "u-1 "}),
        ("claim: sub", {"sub": "u\n1"}),
    ],
    ids=str,
)
def test_a_claim_that_is_not_right_is_named(reason: str, changed: dict[str, Any]) -> None:
    """R57: in the log, never as a fault of the signature."""
    assert reason == refusal(token(claims(**changed)))


@pytest.mark.parametrize("name", ["nbf", "auth_time"])
def test_a_time_that_is_null_is_no_time(name: str) -> None:
    """RFC 7519, section 4.1.5: "its value MUST be a number"."""
    assert f"claim: {name}" == refusal(token({**claims(), name: None}))


@pytest.mark.parametrize("auth_time", [0, NOW - LEEWAY_S - 1, -(10**30)])
def test_an_earlier_sign_in_is_told_apart(auth_time: int) -> None:
    """R18."""
    with pytest.raises(SignInNotFresh, match="claim: auth_time"):
        checked(token(claims(auth_time=auth_time)))


@pytest.mark.parametrize(("key", "algorithm"), [(P384, "ES384"), (EDWARDS, "EdDSA")])
def test_the_hash_of_the_access_token_is_checked_where_it_is_sha_256(
    key: Key, algorithm: str
) -> None:
    """OpenID Connect Core, section 3.1.3.8: "MAY"; for EdDSA no hash is named there."""
    made = signed({"alg": algorithm}, claims(at_hash="anything"), key, algorithm)

    assert "u-1" == checked(made, jwk(key))["sub"]


FIXED: Final[Mapping[str, Callable[[], str]]] = {
    "OIDC_<NAME>_ISSUER": lambda: token(claims(iss="https://other.example.com")),
    "OIDC_<NAME>_CLIENT_ID": lambda: token(claims(aud="other")),
    "clock": lambda: token(claims(exp=NOW - 3600)),
    "RS256 or ES256": lambda: token(alg="HS256"),
    "encryption": lambda: "....",
}


@pytest.mark.parametrize("fix", FIXED)
def test_what_the_operator_can_do_is_said(fix: str) -> None:
    with pytest.raises(ProofRefused) as refused:
        checked(FIXED[fix]())

    assert fix in refused.value.fix
