"""Graph's own words, for the operator: without what may be a token or an address.

Graph may quote what it was sent, so a word is kept by its looks: tokens are long, and letters in
them stand beside digits and capitals.
"""

import re
from typing import Any, Final

# The longest text that is shown whole, and how much of a longer one is from its end: what is wrong
# often stands behind a long list of what would be right.
_LONGEST_TEXT: Final = 400
_HEAD, _TAIL = 220, 170
_LONGEST_WORD: Final = 24
_OMITTED: Final = "…"

_ADDRESS: Final = re.compile(r"://|@|\bwww\.|\.[a-z]{2,}/", re.IGNORECASE)
# Only ASCII: no token has other letters.
_RUN: Final = re.compile(r"[A-Za-z0-9_]+")
# A run in a long word: a name of a field or a word, in small letters; or a number.
_PLAIN: Final = re.compile(r"[A-Za-z]?[a-z_]*|[0-9]{1,20}")
# A run in any word that mixes letters with digits, and is as long as the parts of a secret.
_MIXED: Final = re.compile(r"(?=[A-Za-z_]*[0-9])(?=[0-9_]*[A-Za-z])[A-Za-z0-9_]{12,}")


def words_of(text: Any) -> str:
    """Return *text* in one line of printable characters, the middle of a long one left out."""
    if not isinstance(text, str):
        return ""
    printable = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(word if _is_harmless(word) else _OMITTED for word in printable.split())
    if len(line) <= _LONGEST_TEXT:
        return line
    head, _, _ = line[:_HEAD].rpartition(" ")
    _, _, tail = line[-_TAIL:].partition(" ")
    return f"{head or line[:_HEAD]} {_OMITTED} {tail or line[-_TAIL:]}"


def _is_harmless(word: str) -> bool:
    runs = _RUN.findall(word)
    if _ADDRESS.search(word) or any(_MIXED.fullmatch(run) for run in runs):
        return False
    return len(word) <= _LONGEST_WORD or all(_PLAIN.fullmatch(run) for run in runs)
