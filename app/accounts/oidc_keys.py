"""The keys with which a provider signs ID Tokens (RFC 7517), and when they are fetched anew."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import Key, RSAKey, import_key

from app.accounts.authenticators import AuthenticatorMisconfigured, AuthenticatorUnavailable
from app.accounts.upstream import Reply

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
# After this a key that the provider has withdrawn is no longer trusted.
KEYS_LIFE_S: Final = 3600.0
KEYS_PAUSE_S: Final = 60.0
# Looks for unknown kids within one KEYS_PAUSE_S.
MOST_LOOKS: Final = 10

_MOST_KEYS: Final = 50
# RFC 9864: `Ed25519` is the new name of what `EdDSA` is with such a key.
_EDWARDS: Final = frozenset({"EdDSA", "Ed25519"})
# Nothing else is handed to the library: an odd `x5c`, say, spoils no key.
_MATERIAL: Final = ("kty", "n", "e", "crv", "x", "y")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and what the provider says that it is for."""

    key: Key
    kid: str | None
    algorithm: str | None

    @property
    def is_weak(self) -> bool:
        return isinstance(self.key, RSAKey) and self.key.public_key.key_size < LEAST_RSA_BITS

    def is_for(self, algorithm: str) -> bool:
        """Tell whether the key may be used with *algorithm*."""
        return self.algorithm in {None, algorithm} or {self.algorithm, algorithm} <= _EDWARDS


def read_keys(key_set: Mapping[str, Any]) -> tuple[SigningKey, ...]:
    """Return the keys in *key_set*, a JWK Set, that can sign an ID Token; others are skipped."""
    jwks = key_set.get("keys")
    return tuple(_signing_keys(jwks[:_MOST_KEYS] if isinstance(jwks, list) else ()))


def _signing_keys(jwks: Sequence[object]) -> Iterator[SigningKey]:
    for jwk in jwks:
        if isinstance(jwk, dict) and _is_to_sign(jwk):
            try:
                key = import_key({name: jwk[name] for name in _MATERIAL if name in jwk})
            except (JoseError, ValueError, TypeError, KeyError):
                continue  # Unknown or malformed: another one may be the key that is needed.
            kid = jwk.get("kid")
            yield SigningKey(key, kid if isinstance(kid, str) else None, jwk.get("alg"))


def _is_to_sign(jwk: Mapping[str, Any]) -> bool:
    """Tell whether *jwk* is for signatures (RFC 7517, sections 4.1 to 4.4)."""
    operations, algorithm = jwk.get("key_ops"), jwk.get("alg")
    return (
        jwk.get("kty") in ("RSA", "EC", "OKP")
        and jwk.get("use") in (None, "sig")
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and (algorithm is None or algorithm in ALGORITHMS)
    )


class ProviderKeys:
    """The keys of one provider. Threads may share them."""

    def __init__(self) -> None:
        self._keys: tuple[SigningKey, ...] = ()
        self._fetched_at_s = -KEYS_LIFE_S
        self._looked_for: set[str | None] = set()
        self._lock = threading.Lock()

    def current(self, fetch: Callable[[], Reply]) -> Sequence[SigningKey]:
        """Return the keys, at most an hour old."""
        if self._are_old():
            with self._lock:
                if self._are_old():
                    self._fetch(fetch)
        return self._keys

    def newer(
        self, than: Sequence[SigningKey], kid: str | None, fetch: Callable[[], Reply]
    ) -> Sequence[SigningKey]:
        """Return the keys after one more look for *kid*, which is not among the keys *than*.

        There is one look for each kid in a minute, and ten in all: forged tokens lead here, too.
        """
        # A thread that comes while another one fetches waits for that result, which is new enough.
        with self._lock:
            if self._keys is than and self._may_look_for(kid):
                self._looked_for.add(kid)
                self._fetch(fetch)
            return self._keys

    def _are_old(self) -> bool:
        return monotonic() - self._fetched_at_s >= KEYS_LIFE_S

    def _may_look_for(self, kid: str | None) -> bool:
        if monotonic() - self._fetched_at_s >= KEYS_PAUSE_S:
            self._looked_for.clear()
        return kid not in self._looked_for and len(self._looked_for) < MOST_LOOKS

    def _fetch(self, fetch: Callable[[], Reply]) -> None:
        reply = fetch()
        if reply.status != HTTPStatus.OK:
            kind = AuthenticatorUnavailable if reply.passes else AuthenticatorMisconfigured
            raise kind(reply.reason(), code=reply.status)
        self._keys, self._fetched_at_s = read_keys(reply.json()), monotonic()
