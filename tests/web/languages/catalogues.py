"""The texts of the pages as gettext catalogues: extracted, written, and brought up to date.

`make catalogues` extracts the texts from the templates and app/web into messages.pot, and adds and
removes them in the .po file of each language. A text that has changed is a new one, without a
translation: nothing is guessed. `make catalogues ADD=xx` begins another language.
"""

import sys
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po

from app.web.languages.catalogue import FOLDER

ROOT: Final = Path(__file__).parents[3]
TEMPLATE: Final = FOLDER / "messages.pot"
# In the manner of pybabel's -k: the arguments that are texts, and the one that is the context.
_KEYWORDS: Final = {
    **dict.fromkeys(("_", "gettext", "N_"), None),
    **dict.fromkeys(("ngettext", "NN_"), (1, 2)),
    **dict.fromkeys(("pgettext", "NP_"), ((1, "c"), 2)),
}
_SOURCES: Final = (("templates", "**.html", "jinja2"), ("app/web", "**.py", "python"))
_JINJA: Final = {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true", "silent": "false"}
_HEADER: Final = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plural_forms}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


@cache
def extracted(root: Path = ROOT) -> Catalog:
    """Return every text that the templates and the code below *root* mark for translation."""
    catalogue = Catalog()
    for folder, pattern, method in _SOURCES:
        for _file, _line, text, comments, context in extract_from_dir(
            root / folder,
            [(pattern, method)],
            {pattern: _JINJA if method == "jinja2" else {}},
            _KEYWORDS,
            comment_tags=("i18n:",),
            strip_comment_tags=True,
        ):
            catalogue.add(text, auto_comments=comments, context=context)
    return catalogue


def read(path: Path) -> Catalog:
    """Return the catalogue in the file *path*."""
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def languages(folder: Path = FOLDER) -> list[str]:
    """Return the languages that have a catalogue."""
    return sorted(path.stem for path in folder.glob("*.po"))


def template_text(template: Catalog) -> str:
    """Return what messages.pot has to be."""
    return _written(template)


def catalogue_text(language: str, catalogue: Catalog, template: Catalog) -> str:
    """Return *catalogue* as its file has to be, with the texts of *template* and no others."""
    locale = Locale.parse(language, sep="-")
    # Babel writes as many forms of a plural as the catalogue's own language has.
    updated = Catalog(locale=locale)
    for message in template:
        if message.id:
            known = catalogue.get(_key(message.id), message.context)
            updated.add(
                message.id,
                known.string if known else None,
                flags=known.flags if known else (),
                user_comments=known.user_comments if known else (),
                auto_comments=message.auto_comments,
                context=message.context,
            )
    plural = get_plural(locale)
    header = _HEADER.format(language=language.replace("-", "_"), plural_forms=plural.plural_forms)
    return header + _written(updated)


def update(*added: str) -> None:
    """Write messages.pot, each catalogue anew, and empty ones of the languages *added*."""
    template = extracted()
    TEMPLATE.write_text(template_text(template), encoding="utf-8")
    for language in sorted({*languages(), *added}):
        path = FOLDER / f"{language}.po"
        known = read(path) if path.exists() else Catalog()
        path.write_text(catalogue_text(language, known, template), encoding="utf-8")


def _key(text: str | tuple[str, ...] | list[str]) -> str:
    return text if isinstance(text, str) else text[0]


def _written(catalogue: Catalog) -> str:
    file = BytesIO()
    write_po(file, catalogue, width=0, no_location=True, omit_header=True, sort_output=True)
    return file.getvalue().decode()


if __name__ == "__main__":
    update(*sys.argv[1:])
