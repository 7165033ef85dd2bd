"""The texts in the source of commands, checks and settings, to which the documents are compared."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

APP: Final = Path(__file__).parents[2] / "app"
FOLDERS: Final = (
    *("accounts", "cli", "setup", "linking"),
    *("infra/database", "infra/network", "infra/settings"),
)
# A text with fewer characters than these between its values fits nearly every line.
_LEAST: Final = 5


@cache
def texts() -> tuple[str, ...]:
    """Return the lines of every text; a value within one is "…"."""
    found = (
        text
        for folder in FOLDERS
        for path in sorted((APP / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for text in _texts_of(node)
    )
    return tuple({line.strip() for text in found for line in text.splitlines()})


def quotes(quote: str, text: str) -> bool:
    """Whether *text* has the parts of *quote*, in order, with anything in place of each "…"."""
    return _pattern(quote, r" ?… ?").search(text) is not None


def prints(text: str, line: str) -> bool:
    """Whether *line* is *text* with a value in place of each "…"."""
    return _length(text) >= _LEAST and _pattern(text, "…").fullmatch(line) is not None


@cache
def _length(text: str) -> int:
    """Return how many characters *text* has between its values."""
    return len(re.findall(r"[^\s…]", text))


@cache
def _pattern(text: str, gap: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(gap, text))))


def _texts_of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            # Some are filled in by str.format.
            yield re.sub(r"\{[a-z_]*\}", "…", text)
        case ast.JoinedStr(values=parts):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts
            )
