"""Which authenticators are on, the settings of each, and the links for people who cannot sign in.

An authenticator is named by its kind and a name that the operator chooses, e.g. ``oidc:google``.
The kinds and their settings belong to `app.accounts`: callers pass in the table of them.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from app.infra.settings.parsing import SettingError, endpoint
from app.infra.settings.reader import Reader

_NAME: Final = re.compile(r"[a-z0-9]{1,32}")
_DEFAULT: Final = ("local",)


class Kind(Protocol):
    """A kind of authenticator, as far as the settings are concerned."""

    @property
    def has_form(self) -> bool:
        """True if people type a password into our own form; a page has at most one form."""
        ...

    @property
    def read(self) -> Callable[[Reader, str], object] | None:
        """Reads the settings of the authenticator called by the second argument.

        None: this kind has no settings. Then there is one authenticator of it, without a name.
        """
        ...


Kinds = Mapping[str, Kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInSettings:
    """The authenticators in use, their settings, and the help links of the sign-in page."""

    # For every page that does not choose its own.
    authenticators: tuple[str, ...]
    # What each kind's `read` has returned, by authenticator: {"oidc:google": OidcSettings(...)}.
    settings_of: Mapping[str, object]
    # Which link it is, and its address.
    help_links: tuple[tuple[str, str], ...]


def read_sign_in(reader: Reader, kinds: Kinds, chosen: Iterable[str]) -> SignInSettings:
    """Return the settings of the authenticators in AUTHENTICATORS and of those *chosen* by pages.

    *kinds* are the kinds of authenticator, by name.
    """
    default = reader.optional(
        "AUTHENTICATORS", lambda text: parse_authenticators(text, kinds), _DEFAULT
    )
    help_links = (
        ("help", reader.optional("HELP_URL_PASSWORD", endpoint, None)),
        ("sign_up", reader.optional("HELP_URL_ACCOUNT", endpoint, None)),
        ("contact", reader.optional("HELP_URL_CONTACT", endpoint, None)),
    )
    return SignInSettings(
        authenticators=default,
        settings_of={
            authenticator: _read_settings(reader, kinds, authenticator)
            for authenticator in sorted({*default, *chosen})
        },
        help_links=tuple((name, url) for name, url in help_links if url is not None),
    )


def parse_authenticators(text: str, kinds: Kinds) -> tuple[str, ...]:
    """Return the authenticators that *text* names, in the order in which a page offers them.

    Raises:
        SettingError: An unknown kind, a malformed name, a repetition, or two forms.
    """
    authenticators = tuple(text.lower().split())
    if not authenticators or not all(_is_valid(name, kinds) for name in authenticators):
        raise SettingError(f"must name {_choices(kinds)} (NAME: a-z and 0-9)")
    if len(set(authenticators)) < len(authenticators):
        raise SettingError("names an authenticator twice")
    if sum(kinds[kind_of(name)].has_form for name in authenticators) > 1:
        raise SettingError("names two that ask for a password, and a page has one form")
    return authenticators


def kind_of(authenticator: str) -> str:
    """Return the kind of *authenticator*: ``oidc`` for ``oidc:google``."""
    return authenticator.partition(":")[0]


def _read_settings(reader: Reader, kinds: Kinds, authenticator: str) -> object:
    kind, _, name = authenticator.partition(":")
    read = kinds[kind].read
    return None if read is None else read(reader, name)


def _is_valid(authenticator: str, kinds: Kinds) -> bool:
    name, separator, own_name = authenticator.partition(":")
    kind = kinds.get(name)
    if kind is None or kind.read is None:
        return kind is not None and not separator
    return _NAME.fullmatch(own_name) is not None


def _choices(kinds: Kinds) -> str:
    *others, last = (name if kind.read is None else f"{name}:NAME" for name, kind in kinds.items())
    return f"{', '.join(others)} or {last}" if others else last
