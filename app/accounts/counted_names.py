"""The form of a name by which guesses at it are counted.

Spellings that a store takes for one name must have one form: else each of them would have guesses
of its own. So the form is coarser than the comparisons of names that are known to us:

* Case, marks, width, kana type, spaces and punctuation do not count. MySQL's `_ai_ci` collations
  compare letters alone (the primary weights of UTS 10), Active Directory ignores case, nonspacing
  marks, width and kana type ([MS-ADTS] 6.5.1), and a telephone number is written in many ways.
* Characters that one store ignores and another takes for a letter make a name an odd one: symbols,
  letters written as marks (the Greek iota subscript, too), Latin letters that are no plain variant
  of A to Z, and all that is newer than Unicode 3.2 (RFC 4518, 2.4). All odd names have one form, so
  a name has two counts at most.

Names of different people may have one form, too. That matters only to people who have failed
themselves (`rate_limits.FAILED_BEFORE`), and a sign-in clears nobody's count.
"""

import re
import unicodedata
from functools import lru_cache
from stringprep import in_table_a1
from typing import Final

_LONGEST: Final = 254
# No form of a name: that has letters and digits alone.
_ODD: Final = "?"
_SYMBOLS: Final = frozenset({"Sm", "So"})
_ODD_CATEGORIES: Final = _SYMBOLS | {"Nl", "No"}
# Letters that do not decompose, by the names that Unicode gives them: "LATIN CAPITAL LETTER O WITH
# STROKE", "LATIN SMALL LIGATURE OE", "LATIN SMALL LETTER DOTLESS I".
_LATIN: Final = re.compile(
    r"LATIN (?:SMALL|CAPITAL) (?:LETTER|LIGATURE) (?:DOTLESS )?(AE|OE|[A-Z])(?: WITH .*)?"
)
# A mark that case folding makes the letter iota of.
_IOTA_SUBSCRIPT: Final = "\u0345"
_OTHER_LATIN: Final = {
    **dict.fromkeys("\u00d0\u00f0", "d"),
    **dict.fromkeys("\u00de\u00fe", "th"),
    # "ss", or "s" to MySQL's utf8mb4_general_ci.
    "\u00df": "s",
}
_VARIANT: Final = re.compile(r" WITH .*| FINAL| SMALL(?= \w+$)")


def counted_form(name: str) -> str:
    """Return the form of *name* by which guesses at it are counted."""
    form = name[:_LONGEST]
    if any(map(_is_symbol_of_several, form)):
        return _ODD
    # Case folding may undo the decomposition, and the reverse.
    for _ in range(2):
        letters = [_letters(char) for char in unicodedata.normalize("NFKD", form)]
        if None in letters:
            return _ODD
        form = "".join(filter(None, letters)).casefold()
    return re.sub("s+", "s", form)


def _is_symbol_of_several(char: str) -> bool:
    """Return whether *char* is a symbol such as the square of "kg"."""
    is_symbol = unicodedata.category(char) in _SYMBOLS
    return is_symbol and len(unicodedata.normalize("NFKD", char)) > 1


@lru_cache(4096)
def _letters(char: str) -> str | None:
    """Return the letters or the digit that *char* counts as, perhaps none; None if it is odd."""
    if char.isascii():
        return char if char.isalnum() else ""
    name, category = unicodedata.name(char, ""), unicodedata.category(char)
    is_letter_as_mark = category == "Mn" and (" LETTER " in name or char == _IOTA_SUBSCRIPT)
    if in_table_a1(char) or category in _ODD_CATEGORIES or is_letter_as_mark:
        return None
    if category == "Nd":
        return str(unicodedata.digit(char))
    # Two Hangul fillers are letters by category, and ignored.
    if category[0] != "L" or category == "Lm" or char in "\u115f\u1160":
        return ""
    if name.startswith("LATIN "):
        plain = _LATIN.fullmatch(name)
        return plain[1].lower() if plain else _OTHER_LATIN.get(char)
    return _base(char, name)


def _base(char: str, name: str) -> str:
    """Return the letter that *char*, whose name is *name*, is a variant of."""
    base = _VARIANT.sub("", name).replace("HIRAGANA", "KATAKANA")
    try:
        return unicodedata.lookup(base)
    except KeyError:
        return char
