"""Which authenticators are on, and what each of them has to know.

Each is a kind and a name of the operator's: ``oidc:google`` reads ``OIDC_GOOGLE_ISSUER`` and so on.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from app.infra.network.addresses import is_loopback
from app.infra.settings.parsing import (
    Reader,
    SettingError,
    endpoint,
    one_of,
    plain,
    webhook_secrets,
    yes_or_no,
)

# The one that is known to refuse browsers inside other apps, with 403 disallowed_useragent
# (developers.googleblog.com, "Upcoming security changes to Google's OAuth 2.0 authorization
# endpoint in embedded webviews", 2021-06-29: all of them, from 2021-09-30 on).
_NOT_IN_WEBVIEWS: Final = frozenset({"https://accounts.google.com"})
_KIND_AND_NAME: Final = re.compile(r"local|(?:oidc|http|ldap):[a-z0-9]{1,32}")
_LONGEST_ISSUER: Final = 255
_ATTRIBUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")

LOCAL: Final = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """An OpenID Connect provider."""

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str
    in_webviews: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The business's own endpoint that knows whether a password is right."""

    name: str
    url: str
    # Of several, each signs: so one can be replaced without a moment in which none is right.
    secrets: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapSettings:
    """A directory."""

    name: str
    url: str
    base: str
    # With {username} where the name belongs.
    filter: str
    # Empty: the directory lets anybody search.
    bind_dn: str
    bind_password: str = field(repr=False)
    # The attribute that never changes, nor is given to anybody else.
    subject: str
    name_attribute: str | None
    ca_file: str | None

    @property
    def is_encrypted(self) -> bool:
        """Whether passwords go there by TLS; on this machine nobody else hears them."""
        is_plain = self.url.startswith("ldap://") and is_loopback(self.url)
        return not is_plain or self.ca_file is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSettings:
    """How people prove who they are."""

    # For every page that does not choose its own.
    authenticators: tuple[str, ...]
    oidc: tuple[OidcSettings, ...]
    http: tuple[HttpSettings, ...]
    ldap: tuple[LdapSettings, ...]
    help_links: tuple[tuple[str, str], ...]


def read_sign_in(reader: Reader, chosen: Iterable[str]) -> SignInSettings:
    """Return what *reader* says of the authenticators of AUTHENTICATORS and of those *chosen*."""
    default = reader.optional("AUTHENTICATORS", authenticators, (LOCAL,))
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for one in sorted({*default, *chosen}):
        kind, _, name = one.partition(":")
        kinds[kind].append(name)
    help_links = (
        ("Forgot password?", reader.optional("HELP_URL_PASSWORD", endpoint, None)),
        ("Create an account", reader.optional("HELP_URL_ACCOUNT", endpoint, None)),
        ("Contact us", reader.optional("HELP_URL_CONTACT", endpoint, None)),
    )
    return SignInSettings(
        authenticators=default,
        oidc=tuple(_oidc(reader, name, name.upper()) for name in kinds["oidc"]),
        http=tuple(_http(reader, name, name.upper()) for name in kinds["http"]),
        ldap=tuple(_ldap(reader, name, name.upper()) for name in kinds["ldap"]),
        help_links=tuple((label, url) for label, url in help_links if url is not None),
    )


def authenticators(text: str) -> tuple[str, ...]:
    """Return the authenticators that *text* names, in the order in which people meet them."""
    names = tuple(text.split())
    if not names or not all(map(_KIND_AND_NAME.fullmatch, names)):
        raise SettingError("must name local, http:NAME, ldap:NAME or oidc:NAME (NAME: a-z and 0-9)")
    if len(set(names)) < len(names):
        raise SettingError("names an authenticator twice")
    if sum(not name.startswith("oidc:") for name in names) > 1:
        raise SettingError("names two that ask for a password, and a page has one form")
    return names


def _oidc(reader: Reader, name: str, upper: str) -> OidcSettings:
    issuer = reader.required(f"OIDC_{upper}_ISSUER", _issuer)
    return OidcSettings(
        name=name,
        label=reader.optional(f"OIDC_{upper}_LABEL", plain, name.capitalize()),
        issuer=issuer,
        client_id=reader.required(f"OIDC_{upper}_CLIENT_ID", plain),
        client_secret=reader.required(f"OIDC_{upper}_CLIENT_SECRET", plain),
        scope=reader.optional(f"OIDC_{upper}_SCOPE", _scope, "openid email profile"),
        in_webviews=reader.optional(
            f"OIDC_{upper}_IN_WEBVIEWS", yes_or_no, issuer not in _NOT_IN_WEBVIEWS
        ),
    )


def _http(reader: Reader, name: str, upper: str) -> HttpSettings:
    return HttpSettings(
        name=name,
        url=reader.required(f"HTTP_{upper}_URL", endpoint),
        secrets=reader.required(f"HTTP_{upper}_SECRET", webhook_secrets),
    )


def _ldap(reader: Reader, name: str, upper: str) -> LdapSettings:
    by_attribute = reader.optional(f"LDAP_{upper}_ATTRIBUTE", _attribute, None)
    by_filter = reader.optional(f"LDAP_{upper}_FILTER", _filter, None)
    if by_attribute and by_filter:
        reader.errors.append(f"LDAP_{upper}_FILTER stands beside LDAP_{upper}_ATTRIBUTE")
    bind_dn = reader.optional(f"LDAP_{upper}_BIND_DN", plain, "")
    bind_password = reader.optional(f"LDAP_{upper}_BIND_PASSWORD", plain, "")
    if bool(bind_dn) != bool(bind_password):
        # A bind without a password would be an anonymous one.
        reader.errors.append(f"LDAP_{upper}_BIND_PASSWORD and _BIND_DN need each other")
    return LdapSettings(
        name=name,
        url=reader.required(f"LDAP_{upper}_URL", _directory),
        base=reader.required(f"LDAP_{upper}_BASE", plain),
        filter=by_filter or f"({by_attribute or 'uid'}={{username}})",
        bind_dn=bind_dn,
        bind_password=bind_password,
        subject=reader.optional(
            f"LDAP_{upper}_SUBJECT", one_of("entryUUID", "objectGUID"), "entryUUID"
        ),
        name_attribute=reader.optional(f"LDAP_{upper}_NAME_ATTRIBUTE", _attribute, None),
        ca_file=reader.optional(f"LDAP_{upper}_CA_FILE", _readable, None),
    )


def _issuer(text: str) -> str:
    if len(text) > _LONGEST_ISSUER or "?" in text:
        raise SettingError(
            f"must be an address without a query, {_LONGEST_ISSUER} characters at most"
        )
    return endpoint(text)


def _scope(text: str) -> str:
    scopes = text.split()
    if "openid" not in scopes:
        raise SettingError('must hold "openid"')
    return " ".join(scopes)


def _directory(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_address = bool(parts.hostname) and parts.scheme in {"ldap", "ldaps"}
        rest = (parts.path, parts.query, parts.fragment, parts.username, parts.port == 0)
    except ValueError:
        raise SettingError("is no address") from None
    if not is_address or any(rest):
        raise SettingError("must be like ldaps://ldap.example.com: no path, no user")
    return text


def _attribute(text: str) -> str:
    if not _ATTRIBUTE.fullmatch(text):
        raise SettingError("must be the name of one attribute")
    return text


def _filter(text: str) -> str:
    if "{username}" not in text or not (text.startswith("(") and text.endswith(")")):
        raise SettingError("must be a filter in parentheses that holds {username}")
    return text


def _readable(text: str) -> str:
    if not Path(text).is_file():
        raise SettingError("names no file")
    return text
