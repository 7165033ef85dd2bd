"""Sign-in at an OpenID Connect provider: code flow with PKCE (OpenID Connect Core 1.0, RFC 9700).

With plain requests and joserfc: every call must be bounded and every answer checked here anyway,
and what then remains of the protocol is less code than holding a client library to the same.
"""

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from app.accounts.authenticators import (
    AuthenticatorUnavailable,
    AuthorizationRequest,
    ProofRefused,
)
from app.accounts.id_token import Expected, KeyMissing, Proven, check_id_token
from app.accounts.identity import Identity, masked
from app.accounts.oidc_discovery import Metadata, address_of, read_metadata
from app.accounts.oidc_errors import answer_error, token_error
from app.accounts.oidc_keys import ProviderKeys
from app.accounts.oidc_settings import BASIC, OidcSettings
from app.accounts.upstream import ConcurrencyLimit, UpstreamClient
from app.infra.network.egress import DIRECT, Egress
from app.infra.network.http_client import Deadline

# The longest wait for the provider's servers, before the visit and after it.
TOTAL_S: Final = 6.0

_NAMES: Final = ("email", "preferred_username", "name")
_LONGEST_NAME: Final = 200


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
        self,
        settings: OidcSettings,
        *,
        now: Callable[[], datetime],
        egress: Egress = DIRECT,
        total_s: float = TOTAL_S,
    ) -> None:
        self._settings = settings
        self._now = now
        self._total_s = total_s
        self._http = UpstreamClient(egress, ca_file=settings.ca_file)
        self._limit = ConcurrencyLimit()
        self._metadata: Metadata | None = None
        self._keys = ProviderKeys()

    def begin(
        self, callback_url: str, *, state: str, max_age: int | None = None
    ) -> AuthorizationRequest:
        """Return the request to the provider, which sends the browser back with *state*.

        With *max_age*, in seconds, it has to say how old the sign-in is.

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
            **({} if max_age is None else {"max_age": str(max_age)}),
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
        proven = self.prove(params, memo)
        shown = masked(proven.name) if proven.name else f"your {self._settings.label} account"
        return Identity(
            self._settings.issuer,
            proven.claims["sub"],
            shown,
            known_as=tuple(_known_as(proven.claims)),
        )

    def prove(
        self, params: Mapping[str, str], memo: str, *, wanted: Collection[str] = ()
    ) -> Proven:
        """Return the claims proven by *params* for the browser that kept *memo*.

        UserInfo is asked where the ID token has no name, or none of a claim that is *wanted*.

        Raises:
            ProofRefused: They prove nothing; SignInDeclined if the person cancelled.
            AuthenticatorUnavailable: They cannot be checked now.
        """
        begun = _Memo(*json.loads(memo))
        if not hmac.compare_digest(_hash(params.get("state", "")), begun.state_hash):
            raise ProofRefused("state")
        with self._limit.slot():
            return self._proven(params, begun, frozenset(wanted), Deadline(self._total_s))

    def _proven(
        self,
        params: Mapping[str, str],
        memo: _Memo,
        wanted: frozenset[str],
        deadline: Deadline,
    ) -> Proven:
        provider = self._discover(deadline)
        code = self._code(params, provider)
        tokens = self._exchange(code, memo, provider, deadline)
        claims = self._claims(tokens, memo, provider, deadline)
        begun_at = datetime.fromtimestamp(memo.begun_at_s, UTC)
        if _name(claims) and wanted <= claims.keys():
            return Proven(claims, _name(claims), begun_at)
        told = self._userinfo(claims, tokens, provider, deadline)
        # What is signed comes first, and the time of the sign-in is a claim of the ID token alone
        # (OpenID Connect Core 1.0, section 2): in UserInfo its user may be able to write it.
        unsigned = {name: value for name, value in told.items() if name != "auth_time"}
        return Proven({**unsigned, **claims}, _name(claims) or _name(told), begun_at)

    def _code(self, params: Mapping[str, str], provider: Metadata) -> str:
        issuer = params.get("iss")
        is_expected = issuer == self._settings.issuer or (
            issuer is None and not provider.sends_issuer
        )
        if not is_expected:
            raise ProofRefused(
                "answer: iss",
                fix="OIDC_<NAME>_ISSUER names another issuer than the provider itself",
            )
        if "error" in params:
            raise answer_error(params)
        code = params.get("code")
        if not code:
            raise ProofRefused("answer: no code")
        return code

    def _exchange(
        self, code: str, memo: _Memo, provider: Metadata, deadline: Deadline
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
        if provider.auth_method == BASIC:
            headers["Authorization"] = self._basic()
        else:
            form["client_id"] = self._settings.client_id
            form["client_secret"] = self._settings.client_secret
        body = urlencode(form).encode()
        reply = self._http.post(
            provider.token, body, headers=headers, deadline=deadline, part="token endpoint"
        )
        if reply.status != HTTPStatus.OK:
            raise token_error(reply)
        tokens = reply.json()
        if "error" in tokens:
            raise token_error(reply)
        if not isinstance(tokens.get("id_token"), str):
            raise ProofRefused(
                "token endpoint: no id_token", fix="allow this client the scope openid"
            )
        return tokens

    def _basic(self) -> str:
        # RFC 6749, section 2.3.1: both are form-encoded first.
        pair = (self._settings.client_id, self._settings.client_secret)
        encoded = ":".join(quote(part, safe="") for part in pair)
        return "Basic " + base64.b64encode(encoded.encode()).decode()

    def _claims(
        self, tokens: Mapping[str, Any], memo: _Memo, provider: Metadata, deadline: Deadline
    ) -> Mapping[str, Any]:
        token = tokens["id_token"]
        expected = Expected(
            issuer=self._settings.issuer,
            client_id=self._settings.client_id,
            nonce=memo.nonce,
            begun_at=datetime.fromtimestamp(memo.begun_at_s, UTC),
            access_token=_bearer(tokens),
        )
        fetch = partial(self._http.get, provider.jwks, deadline=deadline, part="keys")
        keys = self._keys.current(fetch)
        try:
            return check_id_token(token, keys, expected, at=self._now())
        except KeyMissing as exc:
            newer = self._keys.newer(keys, exc.kid, fetch)
            return check_id_token(token, newer, expected, at=self._now())

    def _userinfo(
        self,
        claims: Mapping[str, Any],
        tokens: Mapping[str, Any],
        provider: Metadata,
        deadline: Deadline,
    ) -> Mapping[str, Any]:
        """Return the UserInfo claims, used for the display name only; empty if there are none."""
        token = _bearer(tokens)
        if provider.userinfo is None or token is None:
            return {}
        try:
            headers = {"Authorization": f"Bearer {token}"}
            userinfo = self._http.get(provider.userinfo, headers=headers, deadline=deadline).json()
        except AuthenticatorUnavailable:
            return {}
        # OpenID Connect Core 1.0, section 5.3.2: otherwise they may be another user's.
        return userinfo if userinfo.get("sub") == claims["sub"] else {}

    def _discover(self, deadline: Deadline) -> Metadata:
        metadata = self._metadata
        if metadata is None or metadata.is_old:
            address = address_of(self._settings.issuer)
            reply = self._http.get(address, deadline=deadline, part="discovery")
            metadata = self._metadata = read_metadata(reply, self._settings)
        return metadata


def _name(claims: Mapping[str, Any]) -> str | None:
    """Return the name to show, None if there is none; it is never compared with anything (R58)."""
    names = (claims.get(name) for name in _NAMES)
    usable = (name.strip() for name in names if isinstance(name, str) and name.strip())
    return next((name[:_LONGEST_NAME] for name in usable), None)


def _known_as(claims: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names by which an operator may look for the user."""
    is_verified = claims.get("email_verified") in {True, "true"}
    for claim in ("preferred_username", "email") if is_verified else ("preferred_username",):
        name = claims.get(claim)
        if isinstance(name, str) and name.strip() and len(name) <= _LONGEST_NAME:
            yield name


def _bearer(tokens: Mapping[str, Any]) -> str | None:
    """Return the access token; None if there is none of a kind that is understood here."""
    token, kind = tokens.get("access_token"), tokens.get("token_type", "Bearer")
    is_bearer = isinstance(kind, str) and kind.casefold() == "bearer"
    return token if is_bearer and isinstance(token, str) and token.isascii() else None


def _memo_fields(memo: _Memo) -> list[str | float]:
    return [memo.state_hash, memo.nonce, memo.verifier, memo.callback_url, memo.begun_at_s]


def _hash(state: str) -> str:
    return sha256(state.encode("utf-8", "surrogatepass")).hexdigest()


def _challenge(verifier: str) -> str:
    digest = sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
