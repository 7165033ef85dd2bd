"""The reviews of translations that protect a person: their msgctxt is "security".

LANGUAGE.toml, beside the catalogue, has for each of them the SHA-256 of the translation and what
somebody made of it in English who knew the translation alone, a native speaker or a machine.
protected.toml says what has to be in that, so that a warning still warns.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

CONTEXT: Final = "security"
_BY: Final = ("machine", "native")
_KEYS: Final = {"text", "sha256", "back", "date", "by"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a back-translation has to say, each in one of several words, and what it must not."""

    contains: tuple[tuple[str, ...], ...]
    lacks: tuple[str, ...]
    stops: str

    def broken_by(self, back: str) -> Iterator[str]:
        """Yield what is wrong with the back-translation *back*."""
        for words in self.contains:
            if not any(_is_in(word, back) for word in words):
                yield f"it does not say {' or '.join(repr(word) for word in words)}"
        for word in self.lacks:
            if _is_in(word, back):
                yield f"it says {word!r}"


@dataclass(frozen=True, slots=True)
class LanguageFile:
    """The file LANGUAGE.toml: texts that are as in English, and reviews by English text."""

    same_as_english: frozenset[str] = frozenset()
    reviews: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_rules(folder: Path) -> dict[str, Rule]:
    """Return the rules of protected.toml by the English text."""
    tables = tomllib.loads((folder / "protected.toml").read_text(encoding="utf-8"))["protected"]
    return {
        table["text"]: Rule(
            tuple(tuple(words.split("|")) for words in table["contains"]),
            tuple(table.get("lacks", ())),
            table["stops"],
        )
        for table in tables
    }


def read_language(folder: Path, language: str) -> LanguageFile:
    """Return the file of *language*, which need not be there."""
    path = folder / f"{language}.toml"
    if not path.exists():
        return LanguageFile()
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return LanguageFile(
        frozenset(tables.get("same_as_english", ())),
        {review.get("text", ""): review for review in tables.get("reviews", ())},
    )


def hash_of(translation: str) -> str:
    """Return what a review calls the *translation* by."""
    return sha256(translation.encode()).hexdigest()


def review_faults(
    translation: str, rule: Rule | None, review: Mapping[str, Any] | None
) -> Iterator[str]:
    """Yield what is wrong with the review of *translation*, which protects people."""
    if rule is None:
        yield "protected.toml has no rule for it"
        return
    how = f'translate it back, and write that to the file with sha256 = "{hash_of(translation)}"'
    if review is None:
        yield f"it protects people and has no review: {how}"
        return
    if review.keys() != _KEYS:
        yield f"its review must have {', '.join(sorted(_KEYS))}"
        return
    if review["sha256"] != hash_of(translation):
        yield f"it was changed after its review: {how}"
    if review["by"] not in _BY or not isinstance(review["date"], date):
        yield 'its review must have a date, and by = "machine" or "native"'
    for fault in rule.broken_by(review["back"]):
        yield f"translated back, {fault}: {review['back']!r}"


def _is_in(word: str, text: str) -> bool:
    """Return whether *text* has a word that begins as *word* does; "n't" ends one."""
    plain = text.casefold().replace("’", "'")
    if word == "n't":
        return "n't" in plain
    return re.search(rf"(?<!\w){re.escape(word.casefold())}", plain) is not None
