"""Code in parts, so that texts, and the names of fields in JSON, can stand out."""

import re
from typing import Final

# A text between quotes, and the colon by which it is the name of a field.
_TEXT: Final = re.compile(r'("(?:[^"\\\n]|\\.)*"|`[^`\n]*`)(?=(:)?)')
# Longer than this without a space it may be broken anywhere, like an address.
_LONG: Final = 40


def highlighted(code: str) -> list[list[tuple[str, str]]]:
    """Return the lines of *code*, each as parts with their look, which may be empty."""
    return [_parts(line) for line in code.rstrip().splitlines(keepends=True)]


def _parts(line: str) -> list[tuple[str, str]]:
    parts, end = [], 0
    for found in _TEXT.finditer(line):
        text = found[1]
        look = "name" if found[2] else "text"
        if len(text) > _LONG and " " not in text:
            look += " long"
        parts += [("", line[end : found.start()]), (look, text)]
        end = found.end()
    return [*parts, ("", line[end:])]
