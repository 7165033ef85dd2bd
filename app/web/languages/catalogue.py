"""The catalogues: the texts of the pages in each language, as translators write them (gettext)."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from app.infra.settings.languages import PSEUDO, SOURCE
from app.web.languages.pseudo import PseudoTranslations

FOLDER: Final = Path(__file__).parent / "catalogues"


@cache
def translations(language: str) -> NullTranslations:
    """Return the texts in *language*, read when they are first asked for."""
    if language == SOURCE:
        return NullTranslations()
    if language == PSEUDO:
        return PseudoTranslations()
    with (FOLDER / f"{language}.po").open("rb") as file:
        return compiled(read_po(file))


def compiled(catalogue: Catalog) -> GNUTranslations:
    """Return *catalogue* for use."""
    binary = BytesIO()
    write_mo(binary, catalogue)
    binary.seek(0)
    return GNUTranslations(binary)
