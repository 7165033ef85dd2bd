"""The text of a key: what it is, whose it is, a secret, and a sum that tells a typing error.

``tlk_``, 10 characters of id, 30 of secret (178 bits), 6 of CRC-32: whoever scans code for
forgotten secrets can tell one of these from anything else, without asking anybody.
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
_SUM_LENGTH: Final = 6
_LENGTH: Final = ID_LENGTH + SECRET_LENGTH + _SUM_LENGTH
_KEY: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_LENGTH}}}")


def new_key() -> str:
    """Return a key that nobody has."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH + SECRET_LENGTH))
    return f"{PREFIX}{text}{_sum(text)}"


def is_key(text: str) -> bool:
    """Tell whether *text* has the form and the sum of a key; it may be nobody's."""
    body = text[len(PREFIX) : -_SUM_LENGTH]
    return _KEY.fullmatch(text) is not None and text.endswith(_sum(body))


def id_of(key: str) -> str:
    """Return the part of *key* that may be shown."""
    return key[len(PREFIX) : len(PREFIX) + ID_LENGTH]


def _sum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_SUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits += _ALPHABET[digit]
    return digits
