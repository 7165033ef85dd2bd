"""Sign-in at an OpenID Connect provider: code flow with PKCE (OpenID Connect Core 1.0, RFC 9700).

Plain requests and joserfc: what remains of the protocol once every call is bounded our way and
every answer is checked is shorter than a client library would be to hold to the same.
"""

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic
from typing import Any, Final
from urllib.parse import quote, urlencode

from joserfc.jwk import Key

from app.accounts.authenticators import (
    AuthenticatorUnavailable,
    AuthorizationRequest,
    ProofRefused,
    SignInDeclined,
)
from app.accounts.id_token import Expected, KeyMissing, check_id_token, read_keys
from app.accounts.identity import Identity, masked
from app.accounts.oidc_settings import OidcSettings
from app.accounts.upstream import Queue, Reply, Upstream
from app.infra.network.addresses import keeps_secrets
from app.infra.network.http_client import Deadline

# A person waits no longer than this, before the provider and after.
TOTAL_S: Final = 6.0
METADATA_LIFE_S: Final = 3600.0
KEYS_PAUSE_S: Final = 60.0

_OK: Final = 200
_BAD_REQUEST: Final = 400
_PASSING: Final = frozenset({"server_error", "temporarily_unavailable"})
_NAMES: Final = ("email", "preferred_username", "name")
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metadata:
    authorization: str
    token: str
    jwks: str
    userinfo: str | None
    # RFC 9207: then an answer without "iss" is not this provider's.
    names_itself: bool
    takes_basic: bool
    read_at_s: float


@dataclass(frozen=True, slots=True)
class _Memo:
    state_hash: str
    nonce: str
    verifier: str
    callback_url: str
    begun_at_s: float


class OidcAuthenticator:
    """Proves who somebody is by a fresh sign-in at one provider. Any thread may use it."""

    def __init__(
        self, settings: OidcSettings, *, now: Callable[[], datetime], total_s: float = TOTAL_S
    ) -> None:
        self._settings = settings
        self._now = now
        self._total_s = total_s
        self._upstream, self._queue = Upstream(), Queue()
        self._metadata: _Metadata | None = None
        self._keys: tuple[Key, ...] = ()
        self._keys_asked_at_s = -KEYS_PAUSE_S
        self._keys_turn = threading.Lock()

    def begin(self, callback_url: str, *, state: str) -> AuthorizationRequest:
        """Return the way to the provider, which will send the browser back with *state*.

        Raises:
            AuthenticatorUnavailable: The provider does not answer, or not as it should.
        """
        with self._queue.joined():
            there = self._discovered(Deadline(self._total_s))
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        memo = _Memo(_hash(state), nonce, verifier, callback_url, self._now().timestamp())
        query = {
            "response_type": "code",
            "response_mode": "query",
            "client_id": self._settings.client_id,
            "redirect_uri": callback_url,
            "scope": self._settings.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            # A sign-in that stands already proves that somebody was here once, not who is now.
            "prompt": "login",
        }
        joint = "&" if "?" in there.authorization else "?"
        return AuthorizationRequest(
            f"{there.authorization}{joint}{urlencode(query)}", json.dumps(_written(memo))
        )

    def complete(self, params: Mapping[str, str], memo: str) -> Identity:
        """Return who came back with *params* to the attempt that has kept *memo*.

        Raises:
            ProofRefused: They prove nobody; SignInDeclined where the person has turned back.
            AuthenticatorUnavailable: It cannot be told now.
        """
        kept = _Memo(*json.loads(memo))
        if not hmac.compare_digest(_hash(params.get("state", "")), kept.state_hash):
            raise ProofRefused("state")
        with self._queue.joined():
            return self._identity(params, kept, Deadline(self._total_s))

    def _identity(self, params: Mapping[str, str], kept: _Memo, deadline: Deadline) -> Identity:
        there = self._discovered(deadline)
        code = self._code(params, there)
        tokens = self._exchange(code, kept, there, deadline)
        claims = self._checked(tokens["id_token"], kept, there, deadline)
        name = _name(claims) or _name(self._asked_about(claims, tokens, there, deadline))
        shown = masked(name) if name else f"your {self._settings.label} account"
        return Identity(self._settings.issuer, claims["sub"], shown)

    def _code(self, params: Mapping[str, str], there: _Metadata) -> str:
        said = params.get("iss")
        if (said is None and there.names_itself) or said not in (None, self._settings.issuer):
            raise ProofRefused("issuer of the answer")
        match params.get("error"):
            case None:
                pass
            case "access_denied":
                raise SignInDeclined("declined")
            case error if error in _PASSING:
                raise AuthenticatorUnavailable(error)
            case _:
                raise ProofRefused("an error of the provider's")
        code = params.get("code")
        if not code:
            raise ProofRefused("no code")
        return code

    def _exchange(
        self, code: str, kept: _Memo, there: _Metadata, deadline: Deadline
    ) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": kept.callback_url,
            "code_verifier": kept.verifier,
        }
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        if there.takes_basic:
            headers["Authorization"] = self._basic()
        else:
            form["client_id"] = self._settings.client_id
            form["client_secret"] = self._settings.client_secret
        body = urlencode(form).encode()
        reply = self._upstream.post(there.token, body, headers=headers, deadline=deadline)
        tokens = reply.json()
        if reply.status == _BAD_REQUEST and tokens.get("error") == "invalid_grant":
            raise ProofRefused("the provider does not know the code")
        if reply.status != _OK:
            raise AuthenticatorUnavailable(f"token endpoint: status {reply.status}")
        if not isinstance(tokens.get("id_token"), str):
            raise ProofRefused("no ID Token")
        return tokens

    def _basic(self) -> str:
        # RFC 6749, section 2.3.1: both are form-encoded first.
        pair = (self._settings.client_id, self._settings.client_secret)
        encoded = ":".join(quote(part, safe="") for part in pair)
        return "Basic " + base64.b64encode(encoded.encode()).decode()

    def _checked(
        self, token: str, kept: _Memo, there: _Metadata, deadline: Deadline
    ) -> Mapping[str, Any]:
        expected = Expected(
            issuer=self._settings.issuer,
            client_id=self._settings.client_id,
            nonce=kept.nonce,
            begun_at=datetime.fromtimestamp(kept.begun_at_s, UTC),
        )
        try:
            return check_id_token(token, self._keys, expected, at=self._now())
        except KeyMissing:
            newer = self._newer_keys(there, deadline)
            return check_id_token(token, newer, expected, at=self._now())

    def _asked_about(
        self,
        claims: Mapping[str, Any],
        tokens: Mapping[str, Any],
        there: _Metadata,
        deadline: Deadline,
    ) -> Mapping[str, Any]:
        """Return what the provider says beside the ID Token; for the name alone, so it may fail."""
        token = tokens.get("access_token")
        if there.userinfo is None or not isinstance(token, str) or not token.isascii():
            return {}
        try:
            headers = {"Authorization": f"Bearer {token}"}
            said = self._upstream.get(there.userinfo, headers=headers, deadline=deadline).json()
        except AuthenticatorUnavailable:
            return {}
        # Section 5.3.2: else it may be about somebody else.
        return said if said.get("sub") == claims["sub"] else {}

    def _discovered(self, deadline: Deadline) -> _Metadata:
        known = self._metadata
        if known is None or monotonic() - known.read_at_s > METADATA_LIFE_S:
            url = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            reply = self._upstream.get(url, deadline=deadline)
            known = self._metadata = _read_metadata(reply, self._settings.issuer)
        return known

    def _newer_keys(self, there: _Metadata, deadline: Deadline) -> Sequence[Key]:
        """Ask for the provider's keys, once a minute at most: tokens from strangers lead here."""
        # Whoever comes while another asks waits for that answer; it holds what he needs.
        with self._keys_turn:
            if monotonic() - self._keys_asked_at_s >= KEYS_PAUSE_S:
                reply = self._upstream.get(there.jwks, deadline=deadline)
                if reply.status != _OK:
                    raise AuthenticatorUnavailable(f"keys: status {reply.status}")
                self._keys, self._keys_asked_at_s = read_keys(reply.json()), monotonic()
            return self._keys


def _read_metadata(reply: Reply, issuer: str) -> _Metadata:
    """Return what OpenID Connect Discovery 1.0, section 3, lets a provider say of itself."""
    if reply.status != _OK:
        raise AuthenticatorUnavailable(f"discovery: status {reply.status}")
    said = reply.json()
    if said.get("issuer") != issuer:
        raise AuthenticatorUnavailable("discovery: another issuer")
    methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return _Metadata(
        authorization=_endpoint(said, "authorization_endpoint"),
        token=_endpoint(said, "token_endpoint"),
        jwks=_endpoint(said, "jwks_uri"),
        userinfo=_endpoint(said, "userinfo_endpoint") if "userinfo_endpoint" in said else None,
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
        read_at_s=monotonic(),
    )


def _endpoint(said: Mapping[str, Any], name: str) -> str:
    address = said.get(name)
    if not isinstance(address, str) or not keeps_secrets(address):
        raise AuthenticatorUnavailable(f"discovery: {name}")
    return address


def _name(claims: Mapping[str, Any]) -> str | None:
    """Return what to show of who has signed in; it is never compared with anything (R58)."""
    names = (claims.get(name) for name in _NAMES)
    found = (name.strip() for name in names if isinstance(name, str) and name.strip())
    return next((name[:_LONGEST_NAME] for name in found), None)


def _written(memo: _Memo) -> list[str | float]:
    return [memo.state_hash, memo.nonce, memo.verifier, memo.callback_url, memo.begun_at_s]


def _hash(state: str) -> str:
    return sha256(state.encode("utf-8", "surrogatepass")).hexdigest()


def _challenge(verifier: str) -> str:
    digest = sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
