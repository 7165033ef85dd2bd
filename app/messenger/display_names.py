"""Names that somebody chose for himself, made fit to stand beside our words (security.md R82)."""

import unicodedata
from typing import Final

MOST_SHOWN: Final = 100
# More marks on one letter than any script has would be painted over the lines around it.
MOST_MARKS: Final = 3
# Control and formatting characters (those that turn the direction of writing, too).
UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean_name(name: str) -> str:
    """Return *name* with nothing unseen in it, few marks on a letter, and not long."""
    visible, marks = "", 0
    for char in name:
        category = unicodedata.category(char)
        marks = marks + 1 if category[0] == "M" else 0
        if category not in UNSEEN and marks <= MOST_MARKS:
            visible += char
    return " ".join(visible.split())[:MOST_SHOWN]
