"""Ids at Graph, checked before they become part of a path or count as somebody's."""

import re
from typing import Final

from app.messenger.errors import PersonUnknown
from app.messenger.types import Psid

_ID: Final = re.compile(r"[0-9]{1,64}")


def is_id(text: str) -> bool:
    """Return whether *text* has the shape of an id."""
    return _ID.fullmatch(text) is not None


def checked(psid: Psid) -> Psid:
    """Return *psid*, which comes from a bot or a command line and becomes part of a path.

    Raises:
        PersonUnknown: It has not the shape of a PSID.
    """
    if not is_id(psid):
        raise PersonUnknown("not of the shape of a PSID")
    return psid
