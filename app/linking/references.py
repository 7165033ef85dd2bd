"""References: what a person reads out to support, and what every log line of a request carries.

An attempt's reference is computed from its id, so that it is known where the database is away. A
request without an attempt gets a random one of the same shape.
"""

import random
import re
from hashlib import sha256
from typing import Final

# Crockford's base 32: no two characters are easily taken for each other (crockford.com/base32).
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS: Final = 8
_BITS: Final = 5 * _LETTERS
_SHAPE: Final = re.compile(f"[{_ALPHABET}]{{{_LETTERS}}}")
_LOOKALIKES: Final = str.maketrans("oil", "011")


def reference_of(attempt_id: str) -> str:
    """Return the reference of the attempt of *attempt_id*."""
    digest = sha256(f"threadlink reference{attempt_id}".encode()).digest()
    return _spelt(int.from_bytes(digest[: _BITS // 8]))


def new_reference() -> str:
    """Return a random reference, for a request that belongs to no attempt."""
    # It proves nothing. The system's randomness would give up the interpreter's lock each time.
    return _spelt(random.getrandbits(_BITS))


def normalised(typed: str) -> str | None:
    """Return the reference that somebody meant by *typed*; None if that is no reference."""
    letters = re.sub(r"[\s-]", "", typed).lower().translate(_LOOKALIKES)
    return _dashed(letters) if _SHAPE.fullmatch(letters) else None


def _spelt(number: int) -> str:
    shifts = range(_BITS - 5, -1, -5)
    return _dashed("".join(_ALPHABET[number >> shift & 31] for shift in shifts))


def _dashed(letters: str) -> str:
    return f"{letters[: _LETTERS // 2]}-{letters[_LETTERS // 2 :]}"
