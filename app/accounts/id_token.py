"""The validation of ID Tokens (OpenID Connect Core 1.0, section 3.1.3.7; RFC 7519).

Pure functions: no network, no clock.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeGuard

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from app.accounts.authenticators import ProofRefused
from app.accounts.identity import as_subject

# Asymmetric ones only: for HS* the provider's public key could be used as the secret.
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
# RFC 7518, sections 3.3 and 3.5: "A key of size 2048 bits or larger MUST be used".
LEAST_RSA_BITS: Final = 2048
SKEW_S: Final = 60
_MOST_KEYS: Final = 50


class KeyMissing(ProofRefused):
    """The token is signed with none of the keys; the provider may have newer ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The claims that the token must have, for the sign-in that began at *begun_at*."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    begun_at: datetime


def read_keys(key_set: Mapping[str, Any]) -> tuple[Key, ...]:
    """Return the keys in *key_set*, a JWK Set, that can sign an ID Token; others are skipped."""
    jwks = key_set.get("keys")
    return tuple(_signing_keys(jwks[:_MOST_KEYS] if isinstance(jwks, list) else ()))


def check_id_token(
    token: str, keys: Sequence[Key], expected: Expected, *, at: datetime
) -> Mapping[str, Any]:
    """Return the claims of *token*, after all checks of signature, claims and times.

    Raises:
        KeyMissing: It is not signed with one of *keys*.
        ProofRefused: It is malformed, or its claims are not those *expected*.
    """
    claims = _claims_signed_with(token, keys)
    now, begun = at.timestamp(), expected.begun_at.timestamp()
    _require(claims.get("iss") == expected.issuer, "issuer")
    _require(_is_for(claims, expected.client_id), "audience")
    nonce = claims.get("nonce")
    _require(
        isinstance(nonce, str) and hmac.compare_digest(_bytes(nonce), _bytes(expected.nonce)),
        "nonce",
    )
    _require(_is_time(claims.get("exp")) and claims["exp"] > now - SKEW_S, "expired")
    issued = claims.get("iat")
    _require(_is_time(issued) and begun - SKEW_S <= claims["iat"] <= now + SKEW_S, "issued at")
    if "nbf" in claims:
        _require(_is_time(claims["nbf"]) and claims["nbf"] <= now + SKEW_S, "not yet valid")
    if "auth_time" in claims:
        # Otherwise the provider has used an old sign-in instead of the fresh one requested.
        _require(
            _is_time(claims["auth_time"]) and claims["auth_time"] >= begun - SKEW_S, "auth_time"
        )
    _require(as_subject(claims.get("sub")) is not None, "subject")
    return claims


def _claims_signed_with(token: str, keys: Sequence[Key]) -> Mapping[str, Any]:
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    _require(algorithm in ALGORITHMS, "algorithm")
    for key in keys:
        if kid not in (None, key.get("kid")) or key.get("alg") not in (None, algorithm):
            continue
        try:
            return jwt.decode(token, key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, TypeError, RecursionError):
            # Not signed with this key; without a kid, another may fit.
            continue
    raise KeyMissing("signature")


def _header(token: str) -> Mapping[str, Any]:
    try:
        return jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError) as exc:
        raise ProofRefused("no token") from exc


def _signing_keys(jwks: Iterable[object]) -> Iterable[Key]:
    for jwk in jwks:
        if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
            continue
        try:
            key = import_key(jwk)
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # Unknown or malformed: another one may be the key that is needed.
        if isinstance(key, (ECKey, OKPKey)) or _is_long_enough(key):
            yield key


def _is_long_enough(key: Key) -> TypeGuard[RSAKey]:
    return isinstance(key, RSAKey) and key.public_key.key_size >= LEAST_RSA_BITS


def _is_for(claims: Mapping[str, Any], client_id: str) -> bool:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp")
    return client_id in audiences and (
        party == client_id or (party is None and len(audiences) == 1)
    )


def _bytes(text: str) -> bytes:
    # JSON may hold a lone surrogate.
    return text.encode("utf-8", "surrogatepass")


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _require(holds: bool, what: str) -> None:  # noqa: FBT001 - the condition is the subject
    if not holds:
        raise ProofRefused(what)
