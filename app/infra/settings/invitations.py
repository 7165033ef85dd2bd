"""The settings of links that begin on the business's own site, or on our page for it."""

import re
from dataclasses import dataclass
from typing import Final

from app.infra.settings.origins import origin, origins
from app.infra.settings.parsing import SettingError, yes_or_no
from app.infra.settings.reader import Reader

# Meta, "m.me Links", updated 2025-07-01.
M_ME_URL: Final = "https://m.me"
# Where people are led from there on a desktop; the same links work.
M_ME_URLS: Final = (M_ME_URL, "https://www.messenger.com/t")
_PATH: Final = re.compile(r"(/[A-Za-z0-9._-]+)*")
# The name of a Page in its address at Facebook: letters, digits and dots.
_USERNAME: Final = re.compile(r"[A-Za-z0-9.]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationSettings:
    """The settings INVITATIONS, CONNECT_PAGE, CONNECT_ORIGINS and M_ME_URL."""

    enabled: bool
    # Whether people can sign in at /connect.
    connect_page: bool
    # Of the business's own site, which may hand a browser over.
    connect_origins: tuple[str, ...]
    m_me_url: str


def read_invitations(reader: Reader) -> InvitationSettings:
    """Return the settings of invitations."""
    settings = InvitationSettings(
        enabled=reader.optional("INVITATIONS", yes_or_no, False),
        connect_page=reader.optional("CONNECT_PAGE", yes_or_no, False),
        connect_origins=reader.optional("CONNECT_ORIGINS", origins, ()),
        m_me_url=reader.optional("M_ME_URL", m_me_url, M_ME_URL),
    )
    for name, is_set in (
        ("CONNECT_PAGE", settings.connect_page),
        ("CONNECT_ORIGINS", settings.connect_origins),
    ):
        if is_set and not settings.enabled:
            reader.errors.append(f"{name} needs INVITATIONS=1")
    return settings


def m_me_url(text: str) -> str:
    """Return the address before the Page's name in links into the chat."""
    whole = text.removesuffix("/")
    scheme, _, rest = whole.partition("://")
    host, slash, path = rest.partition("/")
    if not _PATH.fullmatch(slash + path):
        raise SettingError(f"must be like {M_ME_URL}")
    return origin(f"{scheme}://{host}") + slash + path


def username(text: str) -> str:
    """Return *text*, the name of a Page in its address at Facebook."""
    if not _USERNAME.fullmatch(text):
        raise SettingError("must be letters, digits and dots, as in the Page's address")
    return text
