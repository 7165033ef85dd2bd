"""The validation of ID Tokens (OpenID Connect Core 1.0, section 3.1.3.7; RFC 7515, 7518, 7519).

Pure functions: no network, no clock. Of a member that is there twice the last one counts, as
RFC 7515 (section 4) and RFC 7519 (section 4) allow.
"""

import base64
import hmac
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError

from app.accounts.authenticators import ProofRefused, SignInNotFresh
from app.accounts.identity import as_subject
from app.accounts.oidc_keys import ALGORITHMS, SigningKey

# RFC 7519, sections 4.1.4 and 4.1.5: "a few minutes, to account for clock skew". No replay comes
# in by it: the nonce is of one attempt, and serves once.
LEEWAY_S: Final = 180

# What this file does not name is ignored: `typ`, `cty`, `x5c`, `x5t`, `jku`, `jwk` and private
# header parameters; `acr`, `amr`, `jti` and private claims.
_ENCRYPTED_PARTS: Final = 5
_CLOCKS: Final = "compare this machine's clock with the provider's"
_CLIENT: Final = "compare OIDC_<NAME>_CLIENT_ID with the client that the provider has"
_FIXES: Final = {
    "token: encrypted": "switch off the encryption of ID Tokens for this client at the provider",
    "header: alg": "have the provider sign this client's ID Tokens with RS256 or ES256, not with "
    "the client secret (HS256)",
    "key: RSA of fewer than 2048 bits": "give the provider a signing key of 2048 bits or more",
    "claim: iss": "set OIDC_<NAME>_ISSUER to the issuer that the provider's tokens have",
    "claim: aud": _CLIENT,
    "claim: azp": _CLIENT,
    "claim: exp": _CLOCKS,
    "claim: nbf": _CLOCKS,
    "claim: auth_time": "the provider has not asked for a new sign-in (prompt=login): see its "
    f"settings for this client. If it has, {_CLOCKS}",
}


class KeyMissing(ProofRefused):
    """The token is signed with none of the keys; the provider may have newer ones.

    *kid* names the key that the token is signed with, None if it names none.
    """

    def __init__(self, reason: str, kid: str | None) -> None:
        super().__init__(reason, fix=_FIXES.get(reason, ""))
        self.kid = kid


@dataclass(frozen=True, slots=True)
class Proven:
    """The proof that a provider has given of its user, at a visit that was *begun_at*.

    *claims* are those of the ID token, with what UserInfo adds; *name* is to be shown, and proves
    nothing.
    """

    claims: Mapping[str, Any]
    name: str | None
    begun_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The claims that the token must have, for the sign-in that began at *begun_at*."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    begun_at: datetime
    # What the token was sent with, None if nothing was.
    access_token: str | None = field(default=None, repr=False)


class _Registry(jws.JWSRegistry):
    """joserfc's algorithms, without its own rules for headers: `_signed` has those of the RFCs."""

    # A header may carry a chain of certificates, and RSA keys have up to 16,384 bits. The whole
    # answer is bounded by `app.accounts.upstream`.
    max_header_length = max_payload_length = max_signature_length = 256 * 1024

    def check_header(self, header: Mapping[str, Any]) -> None:
        pass

    def get_alg(self, name: str) -> Any:
        # The inherited method warns that the name EdDSA is deprecated, which providers still use.
        return self.algorithms[name]


_REGISTRY: Final = _Registry(algorithms=ALGORITHMS)


def check_id_token(
    token: str, keys: Sequence[SigningKey], expected: Expected, *, at: datetime
) -> Mapping[str, Any]:
    """Return the claims of *token*, after all checks of signature, claims and times.

    Raises:
        KeyMissing: It is not signed with one of *keys*.
        SignInNotFresh: It tells of a sign-in before *expected* began.
        ProofRefused: It is malformed, or its claims are not those *expected*.
    """
    signed = _signed(token)
    algorithm = _verified_with(signed, keys)
    claims = _json_object(signed.payload, "payload: no JSON object")
    _check_parties(claims, expected)
    _check_times(claims, at.timestamp(), expected.begun_at.timestamp())
    _check_access_token(claims, algorithm, expected.access_token)
    _require(as_subject(claims.get("sub")) is not None, "claim: sub")
    return claims


def _signed(token: str) -> jws.CompactSignature:
    _require(token.count(".") + 1 != _ENCRYPTED_PARTS, "token: encrypted")
    header = _header(token.partition(".")[0])
    # RFC 7515, section 4.1.11: whoever does not understand a parameter named there must refuse the
    # token. None is understood here, nor is the payload that RFC 7797 (section 6) leaves unencoded.
    _require("crit" not in header, "header: crit")
    _require(header.get("b64", True) is True, "header: b64")
    _require(isinstance(header.get("alg"), str) and header["alg"] in ALGORITHMS, "header: alg")
    _require(isinstance(header.get("kid"), str | None), "header: kid")
    try:
        return jws.extract_compact(token.encode(), registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise ProofRefused("token: no JWS") from None


def _header(segment: str) -> Mapping[str, Any]:
    try:
        content = base64.b64decode(segment + "=" * (-len(segment) % 4), b"-_", validate=True)
    except ValueError:
        raise ProofRefused("token: no JWS") from None
    return _json_object(content, "token: no JWS")


def _json_object(content: bytes, otherwise: str) -> Mapping[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProofRefused(otherwise)
    return value


def _verified_with(signed: jws.CompactSignature, keys: Sequence[SigningKey]) -> str:
    """Return the algorithm by which one of *keys* has signed *signed*."""
    header = signed.headers()
    algorithm, kid = header["alg"], header.get("kid")
    # RFC 7517, section 4.5: a kid is optional, and several keys may have the same one.
    named = [key for key in keys if kid is None or key.kid in {kid, None}]
    fitting = [key for key in named if key.is_for(algorithm)]
    for key in fitting:
        if not key.is_weak and _verifies(signed, key):
            return str(algorithm)
    if not named:
        raise KeyMissing("key: none" if kid is None else "key: none with this kid", kid)
    if not fitting:
        raise KeyMissing("key: none for this algorithm", kid)
    if all(key.is_weak for key in fitting):
        raise KeyMissing("key: RSA of fewer than 2048 bits", kid)
    raise KeyMissing("signature", kid)


def _verifies(signed: jws.CompactSignature, key: SigningKey) -> bool:
    try:
        return jws.validate_compact(signed, key.key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError):
        return False  # another kind of key, or another curve; without a kid, the next may fit


def _check_parties(claims: Mapping[str, Any], expected: Expected) -> None:
    """Check who made the token, for whom, and for which visit."""
    _require(claims.get("iss") == expected.issuer, "claim: iss")
    audience, party = claims.get("aud"), claims.get("azp")
    audiences = audience if isinstance(audience, list) else [audience]
    _require(expected.client_id in audiences, "claim: aud")
    _require(party in (None, expected.client_id), "claim: azp")
    # Others are trusted with the token only if the provider says that it was made for us.
    is_ours_alone = all(one == expected.client_id for one in audiences)
    _require(is_ours_alone or party == expected.client_id, "claim: azp")
    nonce = claims.get("nonce")
    _require(
        isinstance(nonce, str) and hmac.compare_digest(_bytes(nonce), _bytes(expected.nonce)),
        "claim: nonce",
    )


def _check_times(claims: Mapping[str, Any], now: float, begun: float) -> None:
    _require(_is_time(claims.get("exp")) and claims["exp"] > now - LEEWAY_S, "claim: exp")
    # Of when it was issued nothing follows: the nonce ties the token to this visit, and Entra ID
    # puts `iat` five minutes back (AppAuth-iOS issue 264).
    _require(_is_time(claims.get("iat")), "claim: iat")
    if "nbf" in claims:
        _require(_is_time(claims["nbf"]) and claims["nbf"] <= now + LEEWAY_S, "claim: nbf")
    if "auth_time" in claims:
        _require(_is_time(claims["auth_time"]), "claim: auth_time")
        if claims["auth_time"] < begun - LEEWAY_S:
            raise SignInNotFresh("claim: auth_time", fix=_FIXES["claim: auth_time"])


def _check_access_token(
    claims: Mapping[str, Any], algorithm: str, access_token: str | None
) -> None:
    """Check `at_hash` (OpenID Connect Core, section 3.1.3.8) of the algorithms with SHA-256.

    It is optional, and the access token brings a name to show at most.
    """
    if "at_hash" not in claims or access_token is None or not algorithm.endswith("256"):
        return
    half = base64.urlsafe_b64encode(sha256(_bytes(access_token)).digest()[:16]).rstrip(b"=")
    said = claims["at_hash"]
    _require(isinstance(said, str) and hmac.compare_digest(_bytes(said), half), "claim: at_hash")


def _bytes(text: str) -> bytes:
    # JSON may hold a lone surrogate.
    return text.encode("utf-8", "surrogatepass")


def _is_time(value: object) -> bool:
    """Tell whether *value* is a NumericDate (RFC 7519, section 2), which may have a fraction."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _require(holds: bool, what: str) -> None:  # noqa: FBT001 - the condition is the subject
    if not holds:
        raise ProofRefused(what, fix=_FIXES.get(what, ""))
