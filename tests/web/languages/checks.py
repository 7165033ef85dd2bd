"""Checks of a language's catalogue: `make check-language LANGUAGE=de`, or of all without a name.

Each fault names the language, the text in English, and what to do.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from gettext import c2py
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural

from app.web.languages.catalogue import FOLDER
from tests.web.languages import buttons, catalogues, reviews
from tests.web.languages.reviews import LanguageFile, Rule

MOST_BUTTON: Final = 24
MOST_TIMES: Final = 2.2
# Short words may grow more: "or" is "oder".
SHORT: Final = 24
_PLACE: Final = re.compile(r"%\(\w+\)[sd]")
_NUMBER: Final = "%(num)d"
_MARKUP: Final = re.compile(r"[<>{}]|&#?\w+;")
# A dot within a word makes Messenger, and some browsers, show a link.
_ADDRESS: Final = re.compile(r"://|\bwww\b|[^\W\d_]\.[^\W\d_]")
_STRAIGHT: Final = re.compile(r"['\"`\u00b4]")
# Scripts of India need the joiners; everything else of its kind hides or turns around.
_JOINERS: Final = frozenset("\u200c\u200d")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


_UNFINISHED: Final = ("has no translation", "is missing:", "has no review:", "no text of the pages")


@dataclass(frozen=True, slots=True)
class Checked:
    """A catalogue and what it is measured by."""

    language: str
    catalogue: Catalog
    template: Catalog
    written: str
    own: LanguageFile
    rules: Mapping[str, Rule]
    buttons: Collection[str]


def load(language: str, folder: Path = FOLDER) -> Checked:
    """Return the catalogue of *language*, to be checked."""
    path = folder / f"{language}.po"
    return Checked(
        language,
        catalogues.read(path),
        catalogues.extracted(),
        path.read_text(encoding="utf-8"),
        reviews.read_language(folder, language),
        reviews.read_rules(folder),
        buttons.labels(),
    )


def faults(checked: Checked) -> list[str]:
    """Return everything that keeps a catalogue from being shipped."""
    found = [f"{checked.language}: {fault}" for fault in _of_the_file(checked)]
    for message in checked.template:
        if message.id:
            text = _forms(message.id)[0]
            found += [f"{checked.language}: “{text}”: {f}" for f in _of_a_text(checked, message)]
    if not found and checked.written != catalogues.catalogue_text(
        checked.language, checked.catalogue, checked.template
    ):
        found.append(f"{checked.language}: the file is not as `make catalogues` writes it: run it")
    return found


def _of_the_file(checked: Checked) -> Iterator[str]:
    plural = get_plural(Locale.parse(checked.language, sep="-"))
    if f'"Plural-Forms: {plural.plural_forms}\\n"' not in checked.written:
        yield f"Plural-Forms has to be {plural.plural_forms} (`make catalogues` writes it)"
    for message in checked.catalogue.obsolete.values():
        yield f"“{_forms(message.id)[0]}” is obsolete: run `make catalogues`"
    for message in checked.catalogue:
        if message.id and _in(checked.template, message) is None:
            yield f"“{_forms(message.id)[0]}” is no text of the pages: run `make catalogues`"
    in_template = {_forms(message.id)[0] for message in checked.template if message.id}
    for text in sorted(checked.own.same_as_english - in_template):
        yield f"same_as_english names “{text}”, which is no text of the pages"
    protected = {
        _forms(message.id)[0]
        for message in checked.template
        if message.id and message.context == reviews.CONTEXT
    }
    for text in sorted(checked.own.reviews.keys() - protected):
        yield f"there is a review of “{text}”, which is no protected text of the pages"


def _of_a_text(checked: Checked, message: Message) -> Iterator[str]:
    found = _in(checked.catalogue, message)
    if found is None:
        yield "is missing: run `make catalogues`, then translate it"
        return
    forms = _forms(found.string)
    if not all(forms):
        yield "has no translation" if len(forms) == 1 else "has a plural form without translation"
        return
    if found.fuzzy:
        yield "is marked fuzzy: check it, then remove the mark"
    sources = _forms(message.id)
    plural = get_plural(Locale.parse(checked.language, sep="-"))
    if len(sources) > 1 and len(forms) != plural.num_plurals:
        yield f"has {len(forms)} plural forms, and needs {plural.num_plurals}"
        return
    for number, form in enumerate(forms):
        source = sources[0] if len(sources) == 1 or (number == 0 and len(forms) > 1) else sources[1]
        is_single = len(sources) > 1 and _is_of_one_number(checked.language, number)
        for fault in _of_a_form(form, source, may_leave_out_num=is_single):
            yield f"{fault}: “{form}”"
        if sources[0] in checked.buttons and (wide := _width(form)) > MOST_BUTTON:
            yield f"is a button, and at most {MOST_BUTTON} wide; this is {wide}: “{form}”"
        if form in sources and sources[0] not in checked.own.same_as_english:
            yield "reads as in English; if that is right, add it to same_as_english"
    if message.context == reviews.CONTEXT:
        yield from reviews.review_faults(
            "\0".join(forms),
            checked.rules.get(sources[0]),
            checked.own.reviews.get(sources[0]),
        )


def _of_a_form(form: str, source: str, *, may_leave_out_num: bool) -> Iterator[str]:
    wanted, had = set(_PLACE.findall(source)), set(_PLACE.findall(form))
    missing = wanted - had - ({_NUMBER} if may_leave_out_num else set())
    for place in sorted(missing):
        yield f"lacks {place}"
    for place in sorted(had - wanted):
        yield f"has {place}, which the English has not"
    if _PLACE.sub("", form).count("%") != _PLACE.sub("", source).count("%"):
        yield "has another number of % than the English"
    for fault, is_there in _PATTERNS.items():
        if is_there(form) and not is_there(source):
            yield fault
    if _width(form) > max(SHORT, MOST_TIMES * _width(source)):
        yield f"is {_width(form)} wide, more than {MOST_TIMES} times the English"


def _is_unseen(form: str) -> bool:
    return any(unicodedata.category(c) in _UNSEEN and c not in _JOINERS for c in form)


_PATTERNS: Final[Mapping[str, Callable[[str], object]]] = {
    "has markup": _MARKUP.search,
    "has an address, or a dot within a word": _ADDRESS.search,
    "has a control character, or one that turns or hides text": _is_unseen,
    "has a straight apostrophe or quotation mark: use those of print": _STRAIGHT.search,
    "has an exclamation mark": re.compile("[!\uff01\u00a1]").search,
    "begins or ends with a space": lambda form: form != form.strip(),
    "names Threadlink, which people do not know": re.compile("threadlink", re.IGNORECASE).search,
}


def _in(catalogue: Catalog, message: Message) -> Message | None:
    return catalogue.get(_forms(message.id)[0], message.context)


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text or "",) if isinstance(text, str) or text is None else tuple(text)


def _is_of_one_number(language: str, form: int) -> bool:
    """Return whether the plural *form* is that of a single number, which words can say."""
    plural = c2py(get_plural(Locale.parse(language, sep="-")).plural_expr)
    return sum(plural(number) == form for number in range(1001)) == 1


def _width(text: str) -> int:
    """Return how wide *text* is, in narrow characters; what is put in counts as ten."""
    filled = _PLACE.sub("x" * 10, text)
    return sum(
        2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in filled
        if not unicodedata.category(c).startswith("M") and c not in _JOINERS
    )


def is_unfinished(fault: str) -> bool:
    """Return whether *fault* is only that there is something left to be done."""
    return any(words in fault for words in _UNFINISHED)


def main(names: Collection[str]) -> int:
    """Print the faults of the languages *names*, or of all; return the exit status."""
    unfit = 0
    for language in names or catalogues.languages():
        found = faults(load(language))
        unfit += bool(found)
        sys.stdout.write("\n".join(found or [f"{language}: ready to ship"]) + "\n")
    return bool(unfit)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
