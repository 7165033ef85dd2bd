"""Display names that people chose themselves, cleaned before they are shown in a page (R82)."""

import unicodedata
from typing import Final

MAX_LENGTH: Final = 100
# More combining marks on one letter, which no script needs, would cover the lines around it.
MAX_MARKS: Final = 3
# Control and format characters, line separators and surrogates; among them the characters that
# change the direction of writing.
INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean_name(name: str) -> str:
    """Return *name* in one line, without invisible characters, at most `MAX_LENGTH` long."""
    visible, marks = "", 0
    for char in name:
        category = unicodedata.category(char)
        marks = marks + 1 if category[0] == "M" else 0
        if category not in INVISIBLE and marks <= MAX_MARKS:
            visible += char
    return " ".join(visible.split())[:MAX_LENGTH]
