"""The settings of LDAP directories. Without ldap3, which is loaded only if a directory is set."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from app.infra.network.addresses import is_loopback
from app.infra.settings.description import Description
from app.infra.settings.parsing import SettingError, certificates, one_of, plain
from app.infra.settings.reader import Reader
from app.infra.settings.secret_values import password

_ATTRIBUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapSettings:
    """A directory, and how an account is found in it."""

    name: str
    url: str
    base: str
    # An LDAP filter (RFC 4515) with {username} where the name belongs.
    filter: str
    # Empty: the search is anonymous.
    bind_dn: str
    bind_password: str = field(repr=False)
    # The attribute that never changes, and is never reused for another entry.
    subject: str
    name_attribute: str | None
    ca_file: str | None

    @property
    def is_encrypted(self) -> bool:
        """TLS is used, except for a directory on this machine without `ca_file`."""
        is_plain = self.url.startswith("ldap://") and is_loopback(self.url)
        return not is_plain or self.ca_file is not None


DESCRIPTIONS: Final = (
    Description(
        "LDAP_<NAME>_URL",
        "The address of the directory: `ldaps://`, or `ldap://` for StartTLS. To this machine, "
        "`ldap://` is used without TLS, unless LDAP_<NAME>_CA_FILE is set.",
        example="ldaps://ldap.example.com",
    ),
    Description(
        "LDAP_<NAME>_BASE",
        "The entry below which people are searched.",
        example="ou=people,dc=example,dc=com",
    ),
    Description(
        "LDAP_<NAME>_ATTRIBUTE",
        "The attribute that people type as their user name.",
        default="`uid`",
    ),
    Description(
        "LDAP_<NAME>_FILTER",
        "A whole filter in place of LDAP_<NAME>_ATTRIBUTE.",
        example="(&(objectClass=person)(mail={username}))",
    ),
    Description(
        "LDAP_<NAME>_BIND_DN",
        "The entry that searches. Without it the search is anonymous.",
        example="cn=threadlink,ou=services,dc=example,dc=com",
    ),
    Description(
        "LDAP_<NAME>_BIND_PASSWORD",
        "Its password.",
        needed="if LDAP_<NAME>_BIND_DN is set",
    ),
    Description(
        "LDAP_<NAME>_SUBJECT",
        "The attribute that identifies a person for good; Active Directory has `objectGUID`.",
    ),
    Description(
        "LDAP_<NAME>_NAME_ATTRIBUTE",
        "The attribute that is shown, masked, on the confirm page.",
        example="mail",
        default="what was typed",
    ),
    Description(
        "LDAP_<NAME>_CA_FILE",
        "A file of the certificates that are trusted in place of the system's.",
        example="/etc/ssl/certs/our-ca.pem",
    ),
)


def read_settings(reader: Reader, name: str) -> LdapSettings:
    """Return the settings of ``ldap:NAME``, ``LDAP_<NAME>_URL`` and so on."""
    upper = name.upper()
    attribute = reader.optional(f"LDAP_{upper}_ATTRIBUTE", _attribute, None)
    whole_filter = reader.optional(f"LDAP_{upper}_FILTER", _filter, None)
    if attribute and whole_filter:
        reader.errors.append(f"LDAP_{upper}_FILTER and LDAP_{upper}_ATTRIBUTE exclude each other")
    bind_dn = reader.optional(f"LDAP_{upper}_BIND_DN", plain, "")
    bind_password = reader.optional(f"LDAP_{upper}_BIND_PASSWORD", password, "")
    # A bind without a password would be an anonymous one.
    if bind_dn:
        reader.need(
            f"LDAP_{upper}_BIND_PASSWORD", f"LDAP_{upper}_BIND_DN needs LDAP_{upper}_BIND_PASSWORD"
        )
    if bind_password:
        reader.need(
            f"LDAP_{upper}_BIND_DN", f"LDAP_{upper}_BIND_PASSWORD needs LDAP_{upper}_BIND_DN"
        )
    return LdapSettings(
        name=name,
        url=reader.required(f"LDAP_{upper}_URL", _directory),
        base=reader.required(f"LDAP_{upper}_BASE", plain),
        filter=whole_filter or f"({attribute or 'uid'}={{username}})",
        bind_dn=bind_dn,
        bind_password=bind_password,
        subject=reader.optional(
            f"LDAP_{upper}_SUBJECT", one_of("entryUUID", "objectGUID"), "entryUUID"
        ),
        name_attribute=reader.optional(f"LDAP_{upper}_NAME_ATTRIBUTE", _attribute, None),
        ca_file=reader.optional(f"LDAP_{upper}_CA_FILE", certificates, None),
    )


def _directory(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_address = bool(parts.hostname) and parts.scheme in {"ldap", "ldaps"}
        rest = (
            parts.path.removeprefix("/"),
            parts.query,
            parts.fragment,
            parts.username,
            parts.port == 0,
        )
    except ValueError:
        raise SettingError("is not an LDAP address") from None
    if not is_address or any(rest) or not text.isascii():
        raise SettingError(
            "must be like ldaps://ldap.example.com: no path, no user, a name beyond ASCII as xn--"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _attribute(text: str) -> str:
    if not _ATTRIBUTE.fullmatch(text):
        raise SettingError("must be the name of one attribute")
    return text


def _filter(text: str) -> str:
    if "{username}" not in text or not (text.startswith("(") and text.endswith(")")):
        raise SettingError("must be a filter in parentheses that holds {username}")
    return text
