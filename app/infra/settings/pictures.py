"""Settings of people's and Pages' pictures: whether they are shown, and from which hosts."""

from dataclasses import dataclass
from typing import Final

from app.infra.network.addresses import is_host
from app.infra.settings.parsing import SettingError, yes_or_no
from app.infra.settings.reader import Reader

# Where profile pictures of Graph have been seen; Meta names no list.
META_PICTURE_HOSTS: Final = ("platform-lookaside.fbsbx.com", ".fbsbx.com", ".fbcdn.net")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSettings:
    """The hosts of pictures; one that begins with a dot means all names below.

    *shown*: people's own are asked for and shown.
    """

    shown: bool = True
    hosts: tuple[str, ...] = META_PICTURE_HOSTS


def read_pictures(reader: Reader) -> PictureSettings:
    """Return the settings of pictures."""
    return PictureSettings(
        shown=reader.optional("PROFILE_PICTURES", yes_or_no, True),
        hosts=reader.optional("PROFILE_PICTURE_HOSTS", picture_hosts, META_PICTURE_HOSTS),
    )


def picture_hosts(text: str) -> tuple[str, ...]:
    """Return the hosts in *text*: names, or a dot and a name."""
    words = tuple(word.lower() for word in text.split())
    for word in words:
        if word.startswith("*"):
            raise SettingError("must have the dot alone, without *: .fbcdn.net")
        name = word.removeprefix(".")
        if not is_host(name) or "." not in name:
            raise SettingError(
                "must be names of hosts, separated by spaces: no scheme, no port, no path"
            )
    return words
