"""Forged and malformed answers of a provider, none of which may be accepted."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any, Final
from warnings import catch_warnings

from joserfc import jws, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import Key, OctKey, generate_key
from werkzeug.wrappers import Response

from tests.accounts.oidc_provider import CLIENT_ID, CLIENT_SECRET, KEY, Provider

OTHER: Final = generate_key("RSA", 2048, {"kid": "two", "use": "sig"})


def _short_key() -> Key:
    with catch_warnings(action="ignore", category=SecurityWarning):
        return generate_key("RSA", 1024, {"kid": "short", "use": "sig"})


SHORT: Final = _short_key()


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
    "a key too short": (
        "signature",
        lambda p: p.__dict__.update(
            key=SHORT, published=[SHORT], header={"alg": "RS256", "kid": "short"}
        ),
    ),
    "no keys": ("signature", lambda p: p.published.clear()),
    "no subject": ("subject", lambda p: p.claims.update(sub=None)),
    "empty subject": ("subject", lambda p: p.claims.update(sub="")),
    "subject that is a number": ("subject", lambda p: p.claims.update(sub=7)),
    "subject with NUL": ("subject", lambda p: p.claims.update(sub="a\0b")),
    "subject without end": ("subject", lambda p: p.claims.update(sub="a" * 256)),
    "expired": ("expired", lambda p: p.claims.update(exp=int(p.now.timestamp()) - 61)),
    "no expiry": ("expired", lambda p: p.claims.update(exp=None)),
    "expiry that is text": (
        "expired",
        lambda p: p.claims.update(exp=str(int(p.now.timestamp()) + 300)),
    ),
    "expiry that is no number": ("expired", lambda p: p.claims.update(exp=float("nan"))),
    "issued tomorrow": (
        "issued at",
        lambda p: p.claims.update(iat=int(p.now.timestamp()) + 86_400),
    ),
    "issued before we asked": (
        "issued at",
        lambda p: p.claims.update(iat=int(p.now.timestamp()) - 3600),
    ),
    # A little more than the skew that is allowed: where the clock is real, it goes on meanwhile.
    "not valid yet": ("not yet valid", lambda p: p.claims.update(nbf=int(p.now.timestamp()) + 65)),
    "an old sign-in stood": (
        "auth_time",
        lambda p: p.claims.update(auth_time=int(p.now.timestamp()) - 3600),
    ),
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


# What a browser may bring back, whoever has sent it, and why it is refused.
WAYS_BACK: dict[str, tuple[dict[str, str | None], str]] = {
    "the state of another": ({"state": "another"}, "state"),
    "an empty state": ({"state": ""}, "state"),
    "no state": ({"state": None}, "state"),
    "half a character": ({"state": "\ud800"}, "state"),
    "another issuer": ({"iss": "https://evil.example"}, "issuer of the answer"),
    "no issuer": ({"iss": None}, "issuer of the answer"),
    "an empty issuer": ({"iss": ""}, "issuer of the answer"),
    "no code": ({"code": None}, "no code"),
    "an empty code": ({"code": ""}, "no code"),
    "an error": ({"error": "invalid_scope"}, "the provider's error: invalid_scope"),
    "a script for an error": ({"error": "<script>"}, "the provider's error: other"),
}


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
