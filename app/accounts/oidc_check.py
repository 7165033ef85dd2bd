"""The check of an OpenID Connect provider for `threadlink doctor`: its metadata and its keys.

The client's id and secret are not tried: only a sign-in can.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    Diagnosis,
)
from app.accounts.oidc_discovery import address_of, faults_in
from app.accounts.oidc_keys import read_keys
from app.accounts.oidc_settings import OidcSettings
from app.accounts.upstream import NoAnswer, Reply, UpstreamClient, unreachable
from app.infra.network.addresses import keeps_secrets
from app.infra.network.egress import DIRECT, Egress
from app.infra.network.http_client import Deadline

TOTAL_S: Final = 6.0

_OK: Final = 200
_LONGEST_SHOWN: Final = 255


def check(
    settings: OidcSettings, egress: Egress = DIRECT, *, total_s: float = TOTAL_S
) -> Iterator[Diagnosis]:
    """Yield what keeps people from signing in there, or that nothing does."""
    client, deadline = UpstreamClient(egress, ca_file=settings.ca_file), Deadline(total_s)
    setting = f"{settings.called}_ISSUER"
    address = address_of(settings.issuer)
    try:
        metadata = _json(client.get(address, deadline=deadline))
    except (NoAnswer, AuthenticatorMisconfigured) as exc:
        yield unreachable(exc, setting)
        return
    except AuthenticatorUnavailable as exc:
        words = f"has no metadata at {address} ({exc.reason})"
        yield Diagnosis(words, f"{setting}: the provider's documentation calls it issuer")
        return
    found = [*_of_metadata(metadata, settings, setting)]
    if keeps_secrets(str(metadata.get("jwks_uri"))):
        found += _of_keys(client, str(metadata["jwks_uri"]), deadline)
    if not found:
        found.append(Diagnosis("has metadata and keys; the client's secret only a sign-in can try"))
    yield from found


def _of_metadata(
    metadata: Mapping[str, Any], settings: OidcSettings, setting: str
) -> Iterator[Diagnosis]:
    issuer = metadata.get("issuer")
    if issuer != settings.issuer:
        yield _other_issuer(issuer, settings.issuer, setting)
    for fault in faults_in(metadata, settings):
        yield Diagnosis(f"cannot be used ({fault.reason})", settings.fix(fault.fix))


def _other_issuer(issuer: object, ours: str, setting: str) -> Diagnosis:
    if not isinstance(issuer, str):
        return Diagnosis("names no issuer in its metadata", "the provider's own settings")
    if issuer.rstrip("/") == ours.rstrip("/"):
        have, want = ("with", "without") if issuer.endswith("/") else ("without", "with")
        words = f"calls itself {_shown(issuer)}, {have} a slash at the end; {setting} is {want} one"
        return Diagnosis(words, f"{setting}={_shown(issuer)}")
    words = f"calls itself {_shown(issuer)}, and {setting} says {ours}"
    return Diagnosis(words, f"{setting}: the two must be the same to the letter")


def _of_keys(client: UpstreamClient, address: str, deadline: Deadline) -> Iterator[Diagnosis]:
    try:
        keys = read_keys(_json(client.get(address, deadline=deadline)))
    except AuthenticatorUnavailable as exc:
        words = f"does not hand out its keys at jwks_uri ({exc.reason})"
        yield Diagnosis(words, "the provider's log; from this machine: curl of that address")
        return
    if all(key.is_weak for key in keys):
        yield Diagnosis(
            "has no key that can sign an ID Token",
            "a signing key at the provider: RSA of 2048 bits or more, EC or Ed25519",
        )


def _json(reply: Reply) -> Mapping[str, Any]:
    if reply.status != _OK:
        raise AuthenticatorUnavailable(f"HTTP {reply.status}")
    return reply.json()


def _shown(text: str) -> str:
    # The provider's own words: `doctor` removes what a terminal would act on.
    return text[:_LONGEST_SHOWN]
