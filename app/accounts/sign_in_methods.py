"""How the people of a page may prove who they are: what settings name, built once each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.accounts.authenticators import PasswordAuthenticator, RedirectAuthenticator
from app.accounts.http_endpoint import HttpAuthenticator
from app.infra.settings.sign_in import LOCAL, LdapSettings, OidcSettings, SignInSettings


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider people may sign in at; *label* is what they know it by."""

    name: str
    label: str
    # False: it refuses browsers that live inside other apps, such as Messenger's.
    in_webviews: bool
    authenticator: RedirectAuthenticator = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignInMethods:
    """How the people of one page may prove who they are: by one form, at any provider."""

    password: PasswordAuthenticator | None = field(repr=False)
    providers: tuple[Provider, ...]

    def provider(self, name: str) -> Provider | None:
        """Return the provider called *name*, if people may sign in there."""
        return next((one for one in self.providers if one.name == name), None)


def build_sign_in_methods(
    settings: SignInSettings,
    chosen: Mapping[str, Sequence[str]],
    *,
    local: Callable[[], PasswordAuthenticator],
    now: Callable[[], datetime],
) -> Mapping[str, SignInMethods]:
    """Return the ways of each page in *chosen*, by its id; *local* makes the built-in one."""
    names = {page_id: own or settings.authenticators for page_id, own in chosen.items()}
    passwords: dict[str, PasswordAuthenticator] = {
        f"http:{one.name}": HttpAuthenticator(one, now=now) for one in settings.http
    }
    passwords.update({f"ldap:{one.name}": _ldap(one) for one in settings.ldap})
    if any(LOCAL in listed for listed in names.values()):
        passwords[LOCAL] = local()
    providers = {f"oidc:{one.name}": _provider(one, now) for one in settings.oidc}
    return {
        page_id: SignInMethods(
            next((passwords[name] for name in listed if name in passwords), None),
            tuple(providers[name] for name in listed if name in providers),
        )
        for page_id, listed in names.items()
    }


def _ldap(one: LdapSettings) -> PasswordAuthenticator:
    # Here, because ldap3 is loaded with it, and few have a directory.
    from app.accounts.ldap import LdapAuthenticator  # noqa: PLC0415

    return LdapAuthenticator(one)


def _provider(one: OidcSettings, now: Callable[[], datetime]) -> Provider:
    # Here, because the cryptography is loaded with it, and many have the built-in accounts alone.
    from app.accounts.oidc import Client, OidcAuthenticator  # noqa: PLC0415

    client = Client(
        issuer=one.issuer,
        client_id=one.client_id,
        client_secret=one.client_secret,
        label=one.label,
        scope=one.scope,
    )
    return Provider(one.name, one.label, one.in_webviews, OidcAuthenticator(client, now=now))
