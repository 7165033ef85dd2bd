"""Profiles of people who write to a page: the name that they chose, and where their picture is.

developers.facebook.com, Messenger Platform, page "User Profile", read 2026-11.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.infra.network.http_client import Deadline
from app.messenger.errors import NameWithheld, PersonUnknown
from app.messenger.graph.ids import checked
from app.messenger.graph.transport import Call, GraphTransport
from app.messenger.types import Psid

_LONGEST_NAME: Final = 100
_LONGEST_ADDRESS: Final = 2048
# Letters in Unicode that look blank: Hangul fillers, a Braille cell without dots.
_BLANKS: Final = "\u115f\u1160\u3164\uffa0\u2800"


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of a person, as far as Messenger shows it.

    People choose their names and pictures: *name* is plain text that can be stored, and neither
    proves anything. *picture_url* is what Graph said, of no checked host.
    """

    name: str | None = None
    picture_url: str | None = field(default=None, repr=False)


def read_profile(
    transport: GraphTransport, psid: Psid, *, deadline: Deadline | None = None
) -> Profile:
    """Return the profile of *psid*, without name and picture if Messenger withholds them."""
    try:
        answer = transport.send(
            Call(
                name="profile_name",
                method="GET",
                path=f"/{checked(psid)}",
                params={"fields": "first_name,last_name,profile_pic"},
                may_repeat=True,
            ),
            deadline=deadline,
        )
    except (NameWithheld, PersonUnknown):
        return Profile()
    return Profile(_name(answer), _picture_url(answer))


def _name(profile: Mapping[str, Any]) -> str | None:
    """Return the name in *profile* in one line, or None if nothing of it is visible.

    `clean_name` is applied where the name is shown or stored. It removes control characters; here
    they become spaces first, so that the words which one separates stay two.
    """
    parts = (profile.get("first_name"), profile.get("last_name"))
    joined = " ".join(part for part in parts if isinstance(part, str))
    # Without control characters: PostgreSQL stores no NUL in a text.
    storable = "".join(" " if unicodedata.category(char) == "Cc" else char for char in joined)
    name = " ".join(storable.split())[:_LONGEST_NAME].rstrip()
    is_visible = any(char.isprintable() and char not in _BLANKS for char in name if char != " ")
    return name if is_visible else None


def _picture_url(profile: Mapping[str, Any]) -> str | None:
    match profile.get("profile_pic"):
        case str(url) if 0 < len(url) <= _LONGEST_ADDRESS and url.isascii() and url.isprintable():
            return url
        case _:
            return None
