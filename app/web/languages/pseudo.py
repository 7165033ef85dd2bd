"""The pseudo-locale en-XA: English with accents, 40 % longer, and in brackets.

It shows what cannot be translated, and where a longer text has no room. For tests alone.
"""

import re
from gettext import NullTranslations
from itertools import cycle, islice
from typing import Final

_ACCENTED: Final = str.maketrans(
    "ACEGHIKLNORSTUWYZaceghiklnorstuwyz", "ÅÇÉĜĤÎĶĻÑÖŔŠŢÛŴÝŽåçéĝĥîķļñöŕšţûŵýž"
)
# What is put into a text keeps its name.
_PLACE: Final = re.compile(r"(%\([a-z_]+\)[sd])")
# In words, so that lines can break.
_MORE: Final = "öñé ţŵö ţĥŕéé ƒöûŕ ƒîṽé šîẋ "
_LONGER_BY: Final = 0.4


class PseudoTranslations(NullTranslations):
    """The texts of the pages in the pseudo-locale."""

    def gettext(self, message: str) -> str:
        return _pseudo(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return _pseudo(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        del context
        return _pseudo(message)


def _pseudo(text: str) -> str:
    parts = _PLACE.split(text)
    # Of the parts, every other one is a place.
    accented = "".join(
        part if number % 2 else part.translate(_ACCENTED) for number, part in enumerate(parts)
    )
    length = sum(map(len, parts[::2]))
    more = "".join(islice(cycle(_MORE), round(length * _LONGER_BY))).strip()
    return f"[{accented} {more}]" if more else f"[{accented}]"
