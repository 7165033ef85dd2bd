"""The names of people in Messenger, cleaned for display beside our own text (R82)."""

import unicodedata
from typing import Final

MOST_SHOWN: Final = 100
# No script has more marks on a letter. Many would be drawn over the lines above and below.
MOST_MARKS: Final = 3
# Control and formatting characters, those that change the direction of writing among them.
UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean_name(name: str) -> str:
    """Return *name* in one line, without invisible characters, at most `MOST_SHOWN` long."""
    visible, marks = "", 0
    for char in name:
        category = unicodedata.category(char)
        marks = marks + 1 if category[0] == "M" else 0
        if category not in UNSEEN and marks <= MOST_MARKS:
            visible += char
    return " ".join(visible.split())[:MOST_SHOWN]
