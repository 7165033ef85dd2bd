"""The format of API keys: a prefix, an id, a secret and a checksum.

``tlk_``, 10 characters of id, 30 of secret (178 bits), 6 of CRC-32. Secret scanners recognise it by
prefix and checksum alone.
"""

import re
import secrets
import string
import zlib
from typing import Final

PREFIX: Final = "tlk_"
ID_LENGTH: Final = 10
SECRET_LENGTH: Final = 30
_ALPHABET: Final = string.digits + string.ascii_letters
_CHECKSUM_LENGTH: Final = 6
_LENGTH: Final = ID_LENGTH + SECRET_LENGTH + _CHECKSUM_LENGTH
_KEY: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_LENGTH}}}")


def new_key() -> str:
    """Return a new random key."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH + SECRET_LENGTH))
    return f"{PREFIX}{text}{_checksum(text)}"


def is_key(text: str) -> bool:
    """Return whether *text* has the form and the checksum of a key; such a key need not exist."""
    body = text[len(PREFIX) : -_CHECKSUM_LENGTH]
    return _KEY.fullmatch(text) is not None and text.endswith(_checksum(body))


def id_of(key: str) -> str:
    """Return the part of *key* that may be shown."""
    return key[len(PREFIX) : len(PREFIX) + ID_LENGTH]


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits += _ALPHABET[digit]
    return digits
