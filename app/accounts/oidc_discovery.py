"""A provider's metadata (OpenID Connect Discovery 1.0, section 3)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Any, Final

from app.accounts.authenticators import AuthenticatorMisconfigured, AuthenticatorUnavailable
from app.accounts.oidc_keys import ALGORITHMS
from app.accounts.oidc_settings import BASIC, POST, OidcSettings
from app.accounts.upstream import Reply
from app.infra.network.addresses import keeps_secrets

METADATA_LIFE_S: Final = 3600.0

_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_ISSUER: Final = "set OIDC_<NAME>_ISSUER exactly to the issuer that the provider names there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The parts of a provider's metadata that are used."""

    authorization: str
    token: str
    jwks: str
    userinfo: str | None
    # RFC 9207: the provider adds "iss" to every authorization response.
    sends_issuer: bool
    # By which our client authenticates at the token endpoint.
    auth_method: str
    read_at_s: float

    @property
    def is_old(self) -> bool:
        return monotonic() - self.read_at_s > METADATA_LIFE_S


def address_of(issuer: str) -> str:
    """Return the address of the metadata of *issuer*."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def read_metadata(reply: Reply, settings: OidcSettings) -> Metadata:
    """Return the metadata in *reply*.

    Raises:
        AuthenticatorMisconfigured: They are another issuer's, or of no use to us.
        AuthenticatorUnavailable: There are none at the moment.
    """
    if reply.status != HTTPStatus.OK:
        if reply.passes:
            raise AuthenticatorUnavailable(reply.reason(), code=reply.status)
        raise AuthenticatorMisconfigured(
            reply.reason(), code=reply.status, fix="compare OIDC_<NAME>_ISSUER with the provider"
        )
    metadata = reply.json()
    _check_issuer(metadata.get("issuer"), settings.issuer)
    for fault in faults_in(metadata, settings):
        raise fault
    return Metadata(
        authorization=metadata["authorization_endpoint"],
        token=metadata["token_endpoint"],
        jwks=metadata["jwks_uri"],
        userinfo=metadata.get("userinfo_endpoint"),
        sends_issuer=metadata.get("authorization_response_iss_parameter_supported") is True,
        auth_method=settings.auth_method or _auth_method(metadata) or BASIC,
        read_at_s=monotonic(),
    )


def _check_issuer(named: object, issuer: str) -> None:
    if named == issuer:
        return
    if named == f"{issuer}/":
        reason, fix = "discovery: its issuer ends with a slash", "add the slash"
    elif f"{named}/" == issuer:
        reason, fix = "discovery: its issuer has no slash at the end", "remove the slash"
    else:
        raise AuthenticatorMisconfigured("discovery: another issuer", fix=_ISSUER)
    raise AuthenticatorMisconfigured(reason, fix=f"{fix} at the end of OIDC_<NAME>_ISSUER")


def faults_in(
    metadata: Mapping[str, Any], settings: OidcSettings
) -> Iterator[AuthenticatorMisconfigured]:
    """Yield each promise of the provider that is missing: nobody should sign in for nothing."""
    for name in (*_ENDPOINTS, *({"userinfo_endpoint"} & metadata.keys())):
        address = metadata.get(name)
        if not isinstance(address, str) or not keeps_secrets(address):
            fix = "the provider must name an https address there"
            yield AuthenticatorMisconfigured(f"discovery: {name}", fix=fix)
    algorithms = metadata.get("id_token_signing_alg_values_supported")
    if isinstance(algorithms, list) and not any(one in ALGORITHMS for one in algorithms):
        yield AuthenticatorMisconfigured(
            "discovery: no asymmetric algorithm for ID Tokens",
            fix="give the provider a signing key, for RS256 or ES256",
        )
    if metadata.get("require_pushed_authorization_requests") is True:
        yield AuthenticatorMisconfigured(
            "discovery: pushed authorization requests (PAR) are demanded",
            fix="switch that demand off at the provider: PAR (RFC 9126) is not supported here",
        )
    if settings.auth_method is None and _auth_method(metadata) is None:
        yield AuthenticatorMisconfigured(
            f"discovery: neither {BASIC} nor {POST} is offered",
            fix="allow this client one of them at the provider, and name it in "
            "OIDC_<NAME>_AUTH_METHOD",
        )


def _auth_method(metadata: Mapping[str, Any]) -> str | None:
    # By the default of Discovery 1.0, and the form that every provider of OAuth 2.0 has to take.
    offered = metadata.get("token_endpoint_auth_methods_supported", [BASIC])
    methods = offered if isinstance(offered, list) else ()
    return next((method for method in (BASIC, POST) if method in methods), None)
