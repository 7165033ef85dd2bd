"""The operators' console: where it is, who may ask, and who may sign in."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from app.infra.network.addresses import is_loopback
from app.infra.settings.origins import origin
from app.infra.settings.parsing import SettingError, issuer, plain, scopes, words
from app.infra.settings.reader import Reader
from app.infra.settings.secret_values import secret

LOCAL: Final = "local"
OIDC: Final = "oidc"
DEFAULT_SCOPE: Final = "openid profile"
DEFAULT_GROUPS_CLAIM: Final = "groups"
_RULE: Final = re.compile(r"(?:sub|group):\S{1,255}")

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleProvider:
    """The OpenID Connect provider of the operators, and our client there."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    label: str
    scope: str
    groups_claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """CONSOLE_URL and what belongs to it; without *url* there is no console."""

    url: str | None
    # Who may ask; empty: everybody.
    networks: tuple[Network, ...]
    # "local", "oidc" or both.
    sign_in: tuple[str, ...]
    provider: ConsoleProvider | None
    # Words like "sub:VALUE" and "group:VALUE", by the role that they give at the provider.
    viewers: tuple[str, ...]
    support: tuple[str, ...]
    admins: tuple[str, ...]

    @property
    def is_on(self) -> bool:
        """True when there is a console."""
        return self.url is not None

    @property
    def is_https(self) -> bool:
        """True when it is for other machines; else it is reached from this one alone."""
        return (self.url or "").startswith("https://")

    @property
    def host(self) -> str:
        """The value of a Host header that means the console; empty where there is none."""
        return urlsplit(self.url or "").netloc

    @property
    def name(self) -> str:
        """The same without its port."""
        return urlsplit(self.url or "").hostname or ""


def read_console(
    reader: Reader, public_url: str, allowed_hosts: tuple[str, ...]
) -> ConsoleSettings:
    """Return the settings of the console; what keeps it from being safe is an error.

    *public_url* and *allowed_hosts* are those of the public pages, which it must not share.
    """
    url = reader.optional("CONSOLE_URL", origin, None)
    sign_in = reader.optional("CONSOLE_SIGN_IN", _sign_in, (LOCAL,))
    read = ConsoleSettings(
        url=url,
        networks=reader.optional("CONSOLE_NETWORKS", networks, ()),
        sign_in=sign_in,
        provider=_provider(reader) if url and OIDC in sign_in else None,
        viewers=reader.optional("CONSOLE_VIEWERS", _rules, ()),
        support=reader.optional("CONSOLE_SUPPORT", _rules, ()),
        admins=reader.optional("CONSOLE_ADMINS", _rules, ()),
    )
    if url:
        reader.errors.extend(_unsafe(read, public_url or "", allowed_hosts))
    return read


def _provider(reader: Reader) -> ConsoleProvider:
    return ConsoleProvider(
        issuer=reader.required("CONSOLE_OIDC_ISSUER", issuer),
        client_id=reader.required("CONSOLE_OIDC_CLIENT_ID", plain),
        client_secret=reader.required("CONSOLE_OIDC_CLIENT_SECRET", secret),
        label=reader.optional("CONSOLE_OIDC_LABEL", plain, "your provider"),
        scope=reader.optional("CONSOLE_OIDC_SCOPE", scopes, DEFAULT_SCOPE),
        groups_claim=reader.optional("CONSOLE_OIDC_GROUPS_CLAIM", plain, DEFAULT_GROUPS_CLAIM),
    )


def _unsafe(console: ConsoleSettings, public_url: str, allowed_hosts: tuple[str, ...]) -> list[str]:
    """Return an error for each reason why the console may not be where CONSOLE_URL says."""
    errors = []
    is_here = is_loopback(console.url or "")
    if console.is_https == is_here:
        errors.append(
            "CONSOLE_URL must begin with https://, or be like http://localhost:8000 for this "
            "machine and an SSH tunnel to it"
        )
    elif console.is_https and public_url.startswith("http://"):
        errors.append("CONSOLE_URL must be like http://localhost:8000, as PUBLIC_URL is")
    if console.name == urlsplit(public_url).hostname:
        # Cookies know no ports (RFC 6265, 8.5).
        errors.append(
            "CONSOLE_URL must have another host name than PUBLIC_URL: another port is not enough"
        )
    if console.name in {urlsplit(f"//{host}").hostname for host in allowed_hosts}:
        errors.append("ALLOWED_HOSTS must not name the host of CONSOLE_URL")
    if OIDC in console.sign_in and not (console.viewers or console.support or console.admins):
        errors.append(
            "CONSOLE_ADMINS, CONSOLE_SUPPORT and CONSOLE_VIEWERS are all empty, so that nobody who "
            "signs in at the provider could use the console"
        )
    return errors


def networks(text: str) -> tuple[Network, ...]:
    """Return the networks in *text*; an address alone is a network of one."""
    try:
        return tuple(ipaddress.ip_network(word) for word in words(text))
    except ValueError:
        raise SettingError(
            "must be addresses or networks like 10.0.0.0/8 and 2001:db8::/32, separated by spaces"
        ) from None


def _sign_in(text: str) -> tuple[str, ...]:
    ways = tuple(text.lower().split())
    if not ways or not {LOCAL, OIDC}.issuperset(ways) or len(set(ways)) < len(ways):
        raise SettingError("must be local, oidc, or both")
    return ways


def _rules(text: str) -> tuple[str, ...]:
    if not all(_RULE.fullmatch(word) for word in words(text)):
        raise SettingError("must be words like sub:VALUE and group:VALUE; an e-mail is no proof")
    return words(text)
