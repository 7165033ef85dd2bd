"""Code as HTML in which texts, and the names of fields in JSON, stand out."""

import re
from typing import Final

from markupsafe import Markup, escape

# A text between quotes, and the colon by which it is the name of a field.
_TEXT: Final = re.compile(r'("(?:[^"\\\n]|\\.)*"|`[^`\n]*`)(?=(:)?)')
# Longer than this without a space it may be broken anywhere, like an address.
_LONG: Final = 40


def highlighted(code: str) -> Markup:
    """Return *code* escaped, with its texts marked, and each line an element."""
    line = Markup('<span class="line">{}</span>')
    return Markup().join(
        line.format(_marked(part)) for part in code.rstrip().splitlines(keepends=True)
    )


def _marked(line: str) -> Markup:
    parts, end = [], 0
    for found in _TEXT.finditer(line):
        text = found[1]
        look = "name" if found[2] else "text"
        if len(text) > _LONG and " " not in text:
            look += " long"
        parts.append(escape(line[end : found.start()]))
        parts.append(Markup('<span class="{}">{}</span>').format(look, text))
        end = found.end()
    return Markup().join([*parts, escape(line[end:])])
