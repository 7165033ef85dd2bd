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
    "wrong issuer": ("claim: iss", lambda p: p.claims.update(iss="https://evil.example")),
    "issuer with a slash more": ("claim: iss", lambda p: p.claims.update(iss=p.issuer + "/")),
    "no issuer": ("claim: iss", lambda p: p.claims.update(iss=None)),
    "for another client": ("claim: aud", lambda p: p.claims.update(aud="somebody")),
    "for us and another": ("claim: azp", lambda p: p.claims.update(aud=[CLIENT_ID, "other"])),
    "made for another party": ("claim: azp", lambda p: p.claims.update(azp="other")),
    "no audience": ("claim: aud", lambda p: p.claims.update(aud=None)),
    "audience that holds us inside": ("claim: aud", lambda p: p.claims.update(aud=f"x{CLIENT_ID}")),
    "wrong nonce": ("claim: nonce", lambda p: p.claims.update(nonce="replayed")),
    "no nonce": ("claim: nonce", lambda p: p.claims.update(nonce=None)),
    "nonce that is no text": ("claim: nonce", lambda p: p.claims.update(nonce=["x"])),
    "nonce of half a character": (
        "claim: nonce",
        lambda p: setattr(p, "encode", _with_half_a_character),
    ),
    "algorithm none": ("header: alg", lambda p: setattr(p, "encode", _unsigned)),
    "HS256 with the public key": (
        "header: alg",
        lambda p: setattr(p, "encode", _hs256_with_the_public_key),
    ),
    "HS256 with our secret": (
        "header: alg",
        lambda p: p.__dict__.update(
            key=OctKey.import_key(CLIENT_SECRET * 4), header={"alg": "HS256"}
        ),
    ),
    "tampered": ("signature", lambda p: setattr(p, "encode", _tampered)),
    "signed by another key": ("signature", lambda p: setattr(p, "key", OTHER)),
    "brings its own key": ("signature", lambda p: setattr(p, "encode", _with_its_own_key)),
    "unknown key": ("key: none with this kid", lambda p: p.header.update(kid="nine")),
    "a key too short": (
        "key: RSA of fewer than 2048 bits",
        lambda p: p.__dict__.update(
            key=SHORT, published=[SHORT], header={"alg": "RS256", "kid": "short"}
        ),
    ),
    "no keys": ("key: none with this kid", lambda p: p.published.clear()),
    "no subject": ("claim: sub", lambda p: p.claims.update(sub=None)),
    "empty subject": ("claim: sub", lambda p: p.claims.update(sub="")),
    "subject that is a number": ("claim: sub", lambda p: p.claims.update(sub=7)),
    "subject with NUL": ("claim: sub", lambda p: p.claims.update(sub="a\0b")),
    "subject without end": ("claim: sub", lambda p: p.claims.update(sub="a" * 256)),
    "expired": ("claim: exp", lambda p: p.claims.update(exp=int(p.now.timestamp()) - 181)),
    "no expiry": ("claim: exp", lambda p: p.claims.update(exp=None)),
    "expiry that is text": (
        "claim: exp",
        lambda p: p.claims.update(exp=str(int(p.now.timestamp()) + 300)),
    ),
    "expiry that is no number": ("claim: exp", lambda p: p.claims.update(exp=float("nan"))),
    "expiry without end": ("claim: exp", lambda p: p.claims.update(exp=float("inf"))),
    "no time of issue": ("claim: iat", lambda p: p.claims.update(iat=None)),
    # A little more than the skew that is allowed: where the clock is real, it goes on meanwhile.
    "not valid yet": ("claim: nbf", lambda p: p.claims.update(nbf=int(p.now.timestamp()) + 190)),
    "a time of sign-in that is text": (
        "claim: auth_time",
        lambda p: p.claims.update(auth_time="1790000000"),
    ),
    "another access token": ("claim: at_hash", lambda p: p.claims.update(at_hash="AAAA")),
    "no token": ("token: no JWS", lambda p: setattr(p, "encode", lambda _: "a.b")),
    "token of half a character": (
        "token: no JWS",
        lambda p: setattr(p, "encode", lambda _: "\ud800"),
    ),
    "no ID Token": ("token endpoint: no id_token", lambda p: setattr(p, "encode", lambda _: None)),
    "ID Token that is a list": (
        "token endpoint: no id_token",
        lambda p: setattr(p, "encode", lambda _: ["x"]),
    ),
    "the code is not known": (
        "token endpoint: invalid_grant",
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
    "another issuer": ({"iss": "https://evil.example"}, "answer: iss"),
    "no issuer": ({"iss": None}, "answer: iss"),
    "an empty issuer": ({"iss": ""}, "answer: iss"),
    "no code": ({"code": None}, "answer: no code"),
    "an empty code": ({"code": ""}, "answer: no code"),
    "an error": ({"error": "login_required"}, "answer: error login_required"),
    "a script for an error": ({"error": "<script>"}, "answer: an error of no standard"),
    "an empty error": ({"error": ""}, "answer: an error of no standard"),
}


def _redirect() -> Response:
    return Response(status=302, headers={"Location": "http://127.0.0.1:1/"})


def _says(path: str, body: str, status: int) -> Callable[[Provider], None]:
    return lambda p: p.instead.update({path: lambda: Response(body, status=status)})


def _answers(status: int, body: str = "") -> Callable[[Provider], None]:
    return _says("/token", body, status)


def _metadata(**changed: Any) -> Callable[[Provider], None]:
    return lambda p: p.metadata.update(changed)


DISCOVERY: Final = "/.well-known/openid-configuration"

AWAY: dict[str, Callable[[Provider], None]] = {
    "discovery fails": _says(DISCOVERY, "", 502),
    "discovery is HTML": _says(DISCOVERY, "<html>", 200),
    "discovery is too deep": _says(DISCOVERY, "[" * 100_000, 200),
    "discovery without end": _says(DISCOVERY, "x" * 300_000, 200),
    "token endpoint fails": _answers(500),
    "token endpoint is asked too often": _answers(429, '{"error":"slow_down"}'),
    "token endpoint says that it is away": _answers(400, '{"error":"temporarily_unavailable"}'),
    "keys fail": _says("/jwks", "{}", 503),
    "keys are HTML": _says("/jwks", "<html>", 200),
}

# What no waiting cures: the reason, and a part of the fix that the operator is told.
MISCONFIGURED: dict[str, tuple[str, str, Callable[[Provider], None]]] = {
    "discovery names another issuer": (
        "discovery: another issuer",
        "OIDC_<NAME>_ISSUER",
        _metadata(issuer="https://evil.example"),
    ),
    "discovery names none": ("discovery: another issuer", "_ISSUER", _metadata(issuer=None)),
    "an issuer with a slash": (
        "discovery: its issuer ends with a slash",
        "add the slash at the end of OIDC_<NAME>_ISSUER",
        lambda p: p.metadata.update(issuer=f"{p.issuer}/"),
    ),
    "nothing is there": ("discovery: status 404", "_ISSUER", _says(DISCOVERY, "", 404)),
    "discovery is a redirect": (
        "discovery: status 302",
        "_ISSUER",
        lambda p: p.instead.update({DISCOVERY: _redirect}),
    ),
    "discovery leads to plain http": (
        "discovery: token_endpoint",
        "https",
        _metadata(token_endpoint="http://idp.example/token"),
    ),
    "discovery leads to a script": (
        "discovery: authorization_endpoint",
        "https",
        _metadata(authorization_endpoint="javascript:alert(1)"),
    ),
    "discovery leads to somebody's password": (
        "discovery: jwks_uri",
        "https",
        _metadata(jwks_uri="https://user:pw@idp.example/jwks"),
    ),
    "discovery without an endpoint": (
        "discovery: token_endpoint",
        "https",
        _metadata(token_endpoint=None),
    ),
    "no signing key, as Authentik without one": (
        "discovery: no asymmetric algorithm for ID Tokens",
        "signing key",
        _metadata(id_token_signing_alg_values_supported=["HS256"]),
    ),
    "PAR demanded of everybody": (
        "discovery: pushed authorization requests (PAR) are demanded",
        "switch that demand off",
        _metadata(require_pushed_authorization_requests=True),
    ),
    "a key of our own demanded": (
        "discovery: neither client_secret_basic nor client_secret_post is offered",
        "OIDC_<NAME>_AUTH_METHOD",
        _metadata(token_endpoint_auth_methods_supported=["private_key_jwt"]),
    ),
    "a secret that is wrong or has expired": (
        "token endpoint: status 401, invalid_client",
        "OIDC_<NAME>_CLIENT_SECRET",
        _answers(401, '{"error":"invalid_client","error_description":"evil AADSTS7000222"}'),
    ),
    "the same with 400": (
        "token endpoint: status 400, invalid_client",
        "OIDC_<NAME>_CLIENT_SECRET",
        _answers(400, '{"error":"invalid_client"}'),
    ),
    "the same in HTML": (
        "token endpoint: status 401",
        "OIDC_<NAME>_CLIENT_SECRET",
        _answers(401, "<html>evil"),
    ),
    "the same with 200": (
        "token endpoint: status 200, invalid_client",
        "OIDC_<NAME>_CLIENT_SECRET",
        _answers(200, '{"error":"invalid_client"}'),
    ),
    "a client without this flow": (
        "token endpoint: status 400, unauthorized_client",
        "authorization code flow",
        _answers(400, '{"error":"unauthorized_client"}'),
    ),
    "an error of no standard": (
        "token endpoint: status 400",
        "provider's log",
        _answers(400, '{"error":"evil"}'),
    ),
    "an error that is no text": (
        "token endpoint: status 400",
        "provider's log",
        _answers(400, '{"error":["invalid_client"]}'),
    ),
    "token endpoint redirects": (
        "token endpoint: status 302",
        "provider's log",
        lambda p: p.instead.update({"/token": _redirect}),
    ),
    "keys are gone": ("keys: status 404", "", _says("/jwks", "{}", 404)),
}

# By the code that a browser brings: the reason, and a part of the fix.
CODES_OF_OUR_SETUP: dict[str, str] = {
    "invalid_request": "PAR",
    "unauthorized_client": "authorization code flow",
    "unsupported_response_type": "authorization code flow",
    "invalid_scope": "OIDC_<NAME>_SCOPE",
    "consent_required": "as an administrator",
    "interaction_required": "provider asks for more",
    "invalid_client": "OIDC_<NAME>_CLIENT_SECRET",
    "invalid_request_uri": "RFC 9101",
    "invalid_request_object": "RFC 9101",
    "request_not_supported": "RFC 9101",
    "request_uri_not_supported": "RFC 9101",
    "registration_not_supported": "RFC 9101",
}
