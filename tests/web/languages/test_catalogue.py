"""The use of catalogues: no .mo files, the plural forms of the CLDR, and the pseudo-locale."""

from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.plurals import get_plural

from app.web.languages import catalogue
from app.web.languages.catalogue import compiled, translations
from tests.web.languages.catalogues import catalogue_text
from tests.web.languages.test_choice import ALL

THINGS = ("%(num)d thing", "%(num)d things")


def test_english_is_what_the_code_says() -> None:
    english = translations("en")
    assert "Log in" == english.gettext("Log in")
    assert "Cancel" == english.pgettext("security", "Cancel")
    assert THINGS == (english.ngettext(*THINGS, 1), english.ngettext(*THINGS, 2))


def test_a_catalogue_is_read_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    known = Catalog()
    known.add("Cancel", "Abbrechen")
    known.add("Cancel", "Nein, abbrechen", context="security")
    known.add(THINGS, ("eines", "%(num)d Dinge"))
    text = catalogue_text("de", known, known)
    (tmp_path / "de.po").write_text(text, encoding="utf-8")

    german = translations.__wrapped__("de")

    assert ("Abbrechen", "Nein, abbrechen", "Unknown") == (
        german.gettext("Cancel"),
        german.pgettext("security", "Cancel"),
        german.gettext("Unknown"),
    )
    assert ("eines", "%(num)d Dinge") == (german.ngettext(*THINGS, 1), german.ngettext(*THINGS, 7))


@pytest.mark.parametrize("language", ALL)
def test_a_number_has_the_plural_form_of_its_language(language: str) -> None:
    """From 0 to 101, as the CLDR counts."""
    locale = Locale.parse(language, sep="-")
    plural = get_plural(locale)
    known = Catalog(locale=locale)
    forms = tuple(f"form {form}" for form in range(plural.num_plurals))
    known.add(THINGS, forms if plural.num_plurals > 1 else forms[:1])
    used = compiled(known)

    by_category: dict[str, set[str]] = {}
    for number in range(102):
        category = locale.plural_form(number)
        by_category.setdefault(category, set()).add(used.ngettext(*THINGS, number))

    assert {1} == {len(said) for said in by_category.values()}
    assert set().union(*by_category.values()) <= set(forms)


def test_the_pseudo_locale_is_longer_bracketed_and_keeps_places() -> None:
    pseudo = translations("en-XA")
    assert "[Ļöĝ îñ ţö %(page)s, pļéåšé öñé ţŵö]" == pseudo.gettext("Log in to %(page)s, please")
    assert "[%(num)d ţĥîñĝ öñ]" == pseudo.ngettext(*THINGS, 1)
    assert "[%(num)d ţĥîñĝš öñé]" == pseudo.ngettext(*THINGS, 2)
    assert pseudo.pgettext("security", "Cancel") == pseudo.gettext("Cancel")
