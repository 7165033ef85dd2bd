"""The parsers of secrets: what stands around one is a fault, since it would be a part of it.

An error says what is wrong with the value, and never contains it.
"""

import re
from typing import Final

from app.infra.settings.parsing import SettingError, words

QUOTED: Final = 'must not be in quotes (docker keeps those of an "--env-file")'
COMMENT: Final = (
    'must not begin with "#": a comment needs a line of its own (Compose and docker take one '
    'behind the "=" for the value)'
)
# Straight ones, and those that word processors make of them.
_QUOTES: Final = frozenset("\"'`\u201c\u201d\u201e\u2018\u2019")


def is_comment(text: str) -> bool:
    """Tell whether *text* is what Compose and docker make of ``NAME=  # a comment``."""
    return text == "#" or (text[:1] == "#" and text[1:2].isspace())


def secret(text: str) -> str:
    """Return *text* if it is a random secret, and nothing around it."""
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        raise SettingError(QUOTED)
    if text[0] == "#":
        raise SettingError(COMMENT)
    if text.split() != [text]:
        raise SettingError("must be in one piece: there is a space or a line break in it")
    if not text.isprintable():
        raise SettingError("must have visible characters only: copy it again")
    return text


def secrets(text: str) -> tuple[str, ...]:
    return tuple(secret(word) for word in words(text))


def copied_secret(text: str) -> str:
    """Return *text* if it is a token or what Meta's dashboard shows, and nothing around it.

    Graph would call anything else malformed, or its signature wrong, and say no more.
    """
    if text.lower().startswith("bearer "):
        raise SettingError('must be the token alone, without "Bearer"')
    if not secret(text).isascii():
        raise SettingError("must be plain letters and digits: copy it again")
    return text


def password(text: str) -> str:
    """Return *text* if a person may have chosen it as a password."""
    if not text.isprintable():
        raise SettingError("must be one line of visible characters: copy it again")
    return text


def header_list(text: str) -> str:
    """Return *text* if it is like ``name=value,other=value``."""
    if not all(re.fullmatch(r"\s*[\w.~!$&'*+^`|%-]+=[^,]*", part) for part in text.split(",")):
        raise SettingError("must be like name=value,other=value")
    return text
