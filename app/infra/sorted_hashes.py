"""A file of sorted SHA-1 hashes, looked up by bisection: it may have a thousand million lines.

The format is that of Have I Been Pwned's downloadable list: a line for each hash in hex, upper or
lower case, by choice with a colon and a count behind it, in the order of the hashes.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_HEX_DIGITS: Final = 40
# With a count and both kinds of line end.
_LONGEST_LINE: Final = 64
_LINE: Final = re.compile(rb"([0-9A-Fa-f]{40})(:[0-9]{1,12})?\r?\n?")
_LOOKED_AT: Final = 256


class Malformed(ValueError):
    """The file is not a sorted list of SHA-1 hashes."""


@dataclass(frozen=True, slots=True)
class SortedHashes:
    """The list in the file *path*; nothing of it is kept in memory."""

    path: Path

    def check(self) -> None:
        """Raise unless the file looks like such a list, at its ends and at places in between.

        Raises:
            OSError: It cannot be read.
            Malformed: It is empty, has other lines, or is not sorted.
        """
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            places = {size * part // _LOOKED_AT for part in range(_LOOKED_AT)} - {size}
            # The last line is there, too, and may have been cut off by a download.
            places |= {max(0, size - _LONGEST_LINE), max(0, size - 1)}
            found = [_line_from(file, place) for place in sorted(places)]
        hashes = [_hash_in(line) for line in found if line]
        if not hashes or hashes != sorted(hashes):
            raise Malformed

    def has(self, digest: str) -> bool:
        """Return whether the list has *digest*, a SHA-1 in hex.

        Raises:
            OSError: The file cannot be read.
        """
        wanted = digest.upper().encode()
        with self.path.open("rb") as file:
            low, high = 0, file.seek(0, 2)
            while low < high:
                middle = (low + high) // 2
                line = _line_from(file, middle)
                if not line or line[:_HEX_DIGITS].upper() >= wanted:
                    high = middle
                else:
                    low = middle + 1
            return _line_from(file, low)[:_HEX_DIGITS].upper() == wanted


def _line_from(file: BinaryIO, place: int) -> bytes:
    """Return the first line that begins at *place* or behind it, empty where none does."""
    file.seek(max(0, place - 1))
    if place:
        file.readline(_LONGEST_LINE)
    return file.readline(_LONGEST_LINE)


def _hash_in(line: bytes) -> bytes:
    match = _LINE.fullmatch(line)
    if match is None:
        raise Malformed
    return match[1].upper()
