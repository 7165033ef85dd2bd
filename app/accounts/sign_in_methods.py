"""The kinds of authenticator, and the sign-in methods of each page that are built from settings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from app.accounts import http_endpoint, ldap_settings, local_authenticator, oidc_settings
from app.accounts.authenticators import (
    Diagnosis,
    PasswordAuthenticator,
    PasswordKind,
    Provider,
    RedirectKind,
    Resources,
)
from app.accounts.ldap_settings import LdapSettings
from app.accounts.oidc_settings import OidcSettings
from app.infra.settings.sign_in import SignInSettings, kind_of


def _build_ldap(settings: LdapSettings, resources: Resources) -> PasswordAuthenticator:
    # ldap3 takes long to load, and few installations have a directory.
    from app.accounts.ldap import LdapAuthenticator  # noqa: PLC0415

    return LdapAuthenticator(settings, egress=resources.egress)


def _build_oidc(settings: OidcSettings, resources: Resources) -> Provider:
    # joserfc and its cryptography take long to load, and many have the built-in accounts alone.
    from app.accounts.oidc import OidcAuthenticator  # noqa: PLC0415

    authenticator = OidcAuthenticator(settings, now=resources.now, egress=resources.egress)
    return Provider(
        settings.name, settings.label, settings.in_webviews, settings.issuer, authenticator
    )


def _check_ldap(settings: LdapSettings, resources: Resources) -> Iterable[Diagnosis]:
    from app.accounts import ldap_check  # noqa: PLC0415 - as above

    return ldap_check.check(settings, resources.egress)


def _check_oidc(settings: OidcSettings, resources: Resources) -> Iterable[Diagnosis]:
    from app.accounts import oidc_check  # noqa: PLC0415 - as above

    return oidc_check.check(settings, resources.egress)


KINDS: Final[Mapping[str, PasswordKind[Any] | RedirectKind[Any]]] = {
    "local": PasswordKind(build=local_authenticator.build, check=local_authenticator.check),
    "http": PasswordKind(
        read=http_endpoint.read_settings,
        descriptions=http_endpoint.DESCRIPTIONS,
        build=http_endpoint.build,
        check=http_endpoint.check,
    ),
    "ldap": PasswordKind(
        read=ldap_settings.read_settings,
        descriptions=ldap_settings.DESCRIPTIONS,
        build=_build_ldap,
        check=_check_ldap,
    ),
    "oidc": RedirectKind(
        read=oidc_settings.read_settings,
        descriptions=oidc_settings.DESCRIPTIONS,
        build=_build_oidc,
        check=_check_oidc,
    ),
}


@dataclass(frozen=True, slots=True)
class SignInMethods:
    """The sign-in methods of one page: at most one password form, and any number of providers."""

    password: PasswordAuthenticator | None = field(repr=False)
    providers: tuple[Provider, ...]
    # As AUTHENTICATORS names it; empty where there is no password form.
    password_name: str = ""

    def provider(self, name: str) -> Provider | None:
        """Return the provider called *name*, if the page offers it."""
        return next((provider for provider in self.providers if provider.name == name), None)


def build_sign_in_methods(
    settings: SignInSettings, chosen: Mapping[str, Sequence[str]], resources: Resources
) -> Mapping[str, SignInMethods]:
    """Return the sign-in methods of each page, by its id.

    *chosen* has the authenticators that each page has chosen, empty for those of AUTHENTICATORS.
    Each authenticator is built once, and shared by the pages that offer it.
    """
    passwords: dict[str, PasswordAuthenticator] = {}
    providers: dict[str, Provider] = {}
    for name, own_settings in settings.settings_of.items():
        match KINDS[kind_of(name)]:
            case PasswordKind() as kind:
                passwords[name] = kind.build(own_settings, resources)
            case RedirectKind() as kind:
                providers[name] = kind.build(own_settings, resources)
    return {
        page_id: _methods(own or settings.authenticators, passwords, providers)
        for page_id, own in chosen.items()
    }


def issuers_of(settings: SignInSettings) -> Mapping[str, str]:
    """Return the issuer of the users of each authenticator, by its name in AUTHENTICATORS."""
    return {
        name: own.issuer if isinstance(own, OidcSettings) else name
        for name, own in settings.settings_of.items()
    }


def checks_of(
    settings: SignInSettings, resources: Resources
) -> Mapping[str, Callable[[], Iterable[Diagnosis]]]:
    """Return the check of each authenticator, by its name in AUTHENTICATORS."""
    return {
        name: partial(KINDS[kind_of(name)].check, own_settings, resources)
        for name, own_settings in settings.settings_of.items()
    }


def _methods(
    names: Sequence[str],
    passwords: Mapping[str, PasswordAuthenticator],
    providers: Mapping[str, Provider],
) -> SignInMethods:
    name = next((name for name in names if name in passwords), "")
    return SignInMethods(
        passwords.get(name),
        tuple(providers[name] for name in names if name in providers),
        password_name=name,
    )
