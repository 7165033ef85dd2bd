"""Sign-in at an OpenID Connect provider: code flow with PKCE (OpenID Connect Core 1.0, RFC 9700).

With plain requests and joserfc: every call must be bounded and every answer checked here anyway,
and what then remains of the protocol is less code than holding a client library to the same.
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
from app.accounts.oauth_errors import registered
from app.accounts.oidc_settings import OidcSettings
from app.accounts.upstream import ConcurrencyLimit, Reply, UpstreamClient
from app.infra.network.addresses import keeps_secrets
from app.infra.network.http_client import Deadline

# The longest wait for the provider's servers, before the visit and after it.
TOTAL_S: Final = 6.0
METADATA_LIFE_S: Final = 3600.0
KEYS_PAUSE_S: Final = 60.0

_OK: Final = 200
_BAD_REQUEST: Final = 400
_TEMPORARY_ERRORS: Final = frozenset({"server_error", "temporarily_unavailable"})
_NAMES: Final = ("email", "preferred_username", "name")
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metadata:
    authorization: str
    token: str
    jwks: str
    userinfo: str | None
    # RFC 9207: the provider adds "iss" to every authorization response.
    sends_issuer: bool
    accepts_basic: bool
    read_at_s: float


@dataclass(frozen=True, slots=True)
class _Memo:
    state_hash: str
    nonce: str
    verifier: str
    callback_url: str
    begun_at_s: float


class OidcAuthenticator:
    """Sign-in at one OpenID Connect provider. Threads may share it."""

    def __init__(
        self, settings: OidcSettings, *, now: Callable[[], datetime], total_s: float = TOTAL_S
    ) -> None:
        self._settings = settings
        self._now = now
        self._total_s = total_s
        self._http, self._limit = UpstreamClient(), ConcurrencyLimit()
        self._metadata: _Metadata | None = None
        self._keys: tuple[Key, ...] = ()
        self._keys_asked_at_s = -KEYS_PAUSE_S
        self._keys_lock = threading.Lock()

    def begin(self, callback_url: str, *, state: str) -> AuthorizationRequest:
        """Return the request to the provider, which sends the browser back with *state*.

        Raises:
            AuthenticatorUnavailable: The provider does not answer, or not as it should.
        """
        with self._limit.slot():
            provider = self._discover(Deadline(self._total_s))
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
            # An existing session proves only that somebody signed in earlier, not who is there now.
            "prompt": "login",
        }
        separator = "&" if "?" in provider.authorization else "?"
        return AuthorizationRequest(
            f"{provider.authorization}{separator}{urlencode(query)}", json.dumps(_memo_fields(memo))
        )

    def complete(self, params: Mapping[str, str], memo: str) -> Identity:
        """Return the identity proven by *params* for the attempt that kept *memo*.

        Raises:
            ProofRefused: They prove no identity; SignInDeclined if the person cancelled.
            AuthenticatorUnavailable: They cannot be checked now.
        """
        begun = _Memo(*json.loads(memo))
        if not hmac.compare_digest(_hash(params.get("state", "")), begun.state_hash):
            raise ProofRefused("state")
        with self._limit.slot():
            return self._identity(params, begun, Deadline(self._total_s))

    def _identity(self, params: Mapping[str, str], memo: _Memo, deadline: Deadline) -> Identity:
        provider = self._discover(deadline)
        code = self._code(params, provider)
        tokens = self._exchange(code, memo, provider, deadline)
        claims = self._claims(tokens["id_token"], memo, provider, deadline)
        name = _name(claims) or _name(self._userinfo(claims, tokens, provider, deadline))
        shown = masked(name) if name else f"your {self._settings.label} account"
        return Identity(self._settings.issuer, claims["sub"], shown)

    def _code(self, params: Mapping[str, str], provider: _Metadata) -> str:
        issuer = params.get("iss")
        is_expected = issuer == self._settings.issuer or (
            issuer is None and not provider.sends_issuer
        )
        if not is_expected:
            raise ProofRefused("issuer of the answer")
        match params.get("error"):
            case None:
                pass
            case "access_denied":
                raise SignInDeclined("declined")
            case error if error in _TEMPORARY_ERRORS:
                raise AuthenticatorUnavailable(error)
            case error:
                raise ProofRefused(f"the provider's error: {registered(error)}")
        code = params.get("code")
        if not code:
            raise ProofRefused("no code")
        return code

    def _exchange(
        self, code: str, memo: _Memo, provider: _Metadata, deadline: Deadline
    ) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": memo.callback_url,
            "code_verifier": memo.verifier,
        }
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        if provider.accepts_basic:
            headers["Authorization"] = self._basic()
        else:
            form["client_id"] = self._settings.client_id
            form["client_secret"] = self._settings.client_secret
        body = urlencode(form).encode()
        reply = self._http.post(provider.token, body, headers=headers, deadline=deadline)
        tokens = reply.json()
        if reply.status == _BAD_REQUEST and tokens.get("error") == "invalid_grant":
            raise ProofRefused("the provider does not know the code")
        if reply.status != _OK:
            told = registered(tokens.get("error"))
            raise AuthenticatorUnavailable(
                f"token endpoint: status {reply.status}, {told}", code=reply.status
            )
        if not isinstance(tokens.get("id_token"), str):
            raise ProofRefused("no ID Token")
        return tokens

    def _basic(self) -> str:
        # RFC 6749, section 2.3.1: both are form-encoded first.
        pair = (self._settings.client_id, self._settings.client_secret)
        encoded = ":".join(quote(part, safe="") for part in pair)
        return "Basic " + base64.b64encode(encoded.encode()).decode()

    def _claims(
        self, token: str, memo: _Memo, provider: _Metadata, deadline: Deadline
    ) -> Mapping[str, Any]:
        expected = Expected(
            issuer=self._settings.issuer,
            client_id=self._settings.client_id,
            nonce=memo.nonce,
            begun_at=datetime.fromtimestamp(memo.begun_at_s, UTC),
        )
        try:
            return check_id_token(token, self._keys, expected, at=self._now())
        except KeyMissing:
            newer = self._newer_keys(provider, deadline)
            return check_id_token(token, newer, expected, at=self._now())

    def _userinfo(
        self,
        claims: Mapping[str, Any],
        tokens: Mapping[str, Any],
        provider: _Metadata,
        deadline: Deadline,
    ) -> Mapping[str, Any]:
        """Return the UserInfo claims, used for the display name only; empty if there are none."""
        token = tokens.get("access_token")
        if provider.userinfo is None or not isinstance(token, str) or not token.isascii():
            return {}
        try:
            headers = {"Authorization": f"Bearer {token}"}
            userinfo = self._http.get(provider.userinfo, headers=headers, deadline=deadline).json()
        except AuthenticatorUnavailable:
            return {}
        # OpenID Connect Core 1.0, section 5.3.2: otherwise they may be another user's.
        return userinfo if userinfo.get("sub") == claims["sub"] else {}

    def _discover(self, deadline: Deadline) -> _Metadata:
        metadata = self._metadata
        if metadata is None or monotonic() - metadata.read_at_s > METADATA_LIFE_S:
            url = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            reply = self._http.get(url, deadline=deadline)
            metadata = self._metadata = _read_metadata(reply, self._settings.issuer)
        return metadata

    def _newer_keys(self, provider: _Metadata, deadline: Deadline) -> Sequence[Key]:
        """Fetch the provider's keys, once a minute at most: forged tokens lead here, too."""
        # A thread that comes while another one fetches waits for that result, which is new enough.
        with self._keys_lock:
            if monotonic() - self._keys_asked_at_s >= KEYS_PAUSE_S:
                reply = self._http.get(provider.jwks, deadline=deadline)
                if reply.status != _OK:
                    raise AuthenticatorUnavailable(
                        f"keys: status {reply.status}", code=reply.status
                    )
                self._keys, self._keys_asked_at_s = read_keys(reply.json()), monotonic()
            return self._keys


def _read_metadata(reply: Reply, issuer: str) -> _Metadata:
    """Return the provider metadata (OpenID Connect Discovery 1.0, section 3)."""
    if reply.status != _OK:
        raise AuthenticatorUnavailable(f"discovery: status {reply.status}", code=reply.status)
    metadata = reply.json()
    if metadata.get("issuer") != issuer:
        raise AuthenticatorUnavailable("discovery: another issuer")
    methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return _Metadata(
        authorization=_endpoint(metadata, "authorization_endpoint"),
        token=_endpoint(metadata, "token_endpoint"),
        jwks=_endpoint(metadata, "jwks_uri"),
        userinfo=_endpoint(metadata, "userinfo_endpoint")
        if "userinfo_endpoint" in metadata
        else None,
        sends_issuer=metadata.get("authorization_response_iss_parameter_supported") is True,
        accepts_basic=isinstance(methods, list) and "client_secret_basic" in methods,
        read_at_s=monotonic(),
    )


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    address = metadata.get(name)
    if not isinstance(address, str) or not keeps_secrets(address):
        raise AuthenticatorUnavailable(f"discovery: {name}")
    return address


def _name(claims: Mapping[str, Any]) -> str | None:
    """Return the name to show, None if there is none; it is never compared with anything (R58)."""
    names = (claims.get(name) for name in _NAMES)
    usable = (name.strip() for name in names if isinstance(name, str) and name.strip())
    return next((name[:_LONGEST_NAME] for name in usable), None)


def _memo_fields(memo: _Memo) -> list[str | float]:
    return [memo.state_hash, memo.nonce, memo.verifier, memo.callback_url, memo.begun_at_s]


def _hash(state: str) -> str:
    return sha256(state.encode("utf-8", "surrogatepass")).hexdigest()


def _challenge(verifier: str) -> str:
    digest = sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
