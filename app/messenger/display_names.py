"""Display names that people chose themselves, cleaned before they are shown in a page (R82)."""

import unicodedata
from collections.abc import Mapping
from typing import Final

MAX_LENGTH: Final = 100
# More combining marks on one letter, which no script needs, would cover the lines around it.
MAX_MARKS: Final = 3
# Control and format characters, line separators and surrogates; among them the characters that
# change the direction of writing.
INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and signs in Unicode that look blank: Hangul fillers, a Braille cell without dots, a note
# without a head.
_BLANKS: Final = "\u115f\u1160\u3164\uffa0\u2800\U0001d159"
# Letters, numbers, punctuation and symbols; a mark alone, such as a variation selector, shows
# nothing.
_VISIBLE: Final = frozenset("LNPS")
# The names in the place of one that Meta does not tell; they name nobody. Not documented by Meta.
PLACEHOLDER_NAMES: Final = frozenset({"facebook user", "messenger user"})
# A shorter name of a page is contained in too many people's.
_LEAST_LETTERS: Final = 6
# The first letters of the alphabets in circles and squares, and of the halves of flags.
_ENCLOSED: Final = (0x1F150, 0x1F170, 0x1F1E6)
# With l for i, as everywhere here.
_ALPHABET: Final = "abcdefghljklmnopqrstuvwxyz"
# Small letters and signs, and the Latin letter that each looks like: of the confusables of Unicode
# Technical Standard 39, those with which names are imitated. i and l are one letter here.
_LOOKS: Final = str.maketrans(
    {
        **dict(zip("i1|!", "llll", strict=True)),
        **dict(zip("0345789@$€", "oeastbgase", strict=True)),
        # Latin, Cyrillic, Greek.
        **dict(zip("ıłøđɑɡɩ", "llodagl", strict=True)),
        **dict(zip("авекмнорстухіјѕԁԛԝһӏгпь", "abekmhopctyxljsdqwhlrnb", strict=True)),
        **dict(zip("αβγεζηικμνορστυχω", "abyeznlkuvopotuxw", strict=True)),
        **{chr(at + n): char for at in _ENCLOSED for n, char in enumerate(_ALPHABET)},
    }
)
# Those that look like another letter than their small ones.
_GREEK_CAPITALS: Final = str.maketrans(dict(zip("\u0397\u039c\u039d\u03a5", "hmny", strict=True)))


def clean_name(name: str) -> str:
    """Return *name* in one line, without invisible characters, at most `MAX_LENGTH` long."""
    return clean_line(name)[:MAX_LENGTH]


def clean_line(text: str) -> str:
    """Return *text* in one line, without invisible characters; it may hold a name."""
    visible, marks = "", 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category[0] == "M" else 0
        if category not in INVISIBLE and marks <= MAX_MARKS:
            visible += char
    return " ".join(visible.split())


def visible_name(name: str) -> str | None:
    """Return *name* in one line, or None if nothing of it is visible, or it is a placeholder.

    `clean_name` is applied where the name is shown or stored. It removes control characters; here
    they become spaces first, so that the words which one separates stay two.
    """
    # Without control characters: PostgreSQL stores no NUL in a text.
    storable = "".join(" " if unicodedata.category(char) == "Cc" else char for char in name)
    line = " ".join(storable.split())[:MAX_LENGTH].rstrip()
    is_visible = any(
        unicodedata.category(char)[0] in _VISIBLE and char not in _BLANKS for char in line
    )
    is_placeholder = clean_name(line).casefold() in PLACEHOLDER_NAMES
    return line if is_visible and not is_placeholder else None


def resembles(name: str, brand: str) -> bool:
    """Return whether *name* contains *brand*, as people see them: somebody poses as the page."""
    # Greek words are the same in either case; of others, a Greek capital is what it looks like.
    return any(
        len(_looks_of(brand, capitals)) >= _LEAST_LETTERS
        and _looks_of(brand, capitals) in _looks_of(name, capitals)
        for capitals in (_GREEK_CAPITALS, {})
    )


def _looks_of(name: str, capitals: Mapping[int, str]) -> str:
    """Return the letters of *name* in small Latin ones that look like them, without accents."""
    folded = unicodedata.normalize("NFKC", name).translate(capitals).casefold()
    alike = unicodedata.normalize("NFKD", folded).translate(_LOOKS)
    letters = "".join(char for char in alike if char.isalpha())
    return letters.replace("rn", "m").replace("vv", "w")
