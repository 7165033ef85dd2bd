"""The catalogues: whole, well made, and reviewed where they protect a person.

Each check is proved by a catalogue that is broken in that one way.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from babel.messages.catalog import Catalog

from app.infra.settings.languages import SHIPPED, SOURCE
from app.web.languages.catalogue import FOLDER
from tests.web.languages import catalogues, checks, reviews
from tests.web.languages.checks import Checked, faults
from tests.web.languages.reviews import LanguageFile, Rule

WARNING: Final = "If someone sent you this link, cancel."
WARNUNG: Final = "Wenn dir jemand diesen Link geschickt hat, brich ab."
LEFT: Final = ("%(num)d minute left.", "%(num)d minutes left.")
TEXTS: Final[dict[str | tuple[str, str], str | tuple[str, str]]] = {
    "Log in": "Anmelden",
    "Log in to %(page)s": "Bei %(page)s anmelden",
    "Show": "Show",
    LEFT: ("Noch %(num)d Minute.", "Noch %(num)d Minuten."),
}
RULES: Final = {WARNING: Rule((("someone", "somebody"), ("sent",)), ("not",), "Phishing.")}
REVIEW: Final = {
    "text": WARNING,
    "sha256": reviews.hash_of(WARNUNG),
    "back": "If somebody has sent this link to you, stop.",
    "date": date(2026, 11, 27),
    "by": "machine",
}


def test_the_template_has_every_text_of_the_pages_and_no_other() -> None:
    """`make catalogues` brings it up to date."""
    assert catalogues.template_text(catalogues.extracted()) == (
        catalogues.TEMPLATE.read_text(encoding="utf-8")
    ), "messages.pot is not up to date: run `make catalogues`"


def test_a_shipped_language_is_whole_and_reviewed() -> None:
    """One that is not shipped yet may lack texts, but what it has is held to the same."""
    found = [
        fault
        for language in sorted({*SHIPPED, *catalogues.languages()} - {SOURCE})
        for fault in faults(checks.load(language))
        if language in SHIPPED or not checks.is_unfinished(fault)
    ]
    assert [] == found, "\n".join(found)


def test_every_protected_text_has_a_rule() -> None:
    protected = {
        message.id for message in catalogues.extracted() if message.context == reviews.CONTEXT
    }
    assert protected == reviews.read_rules(FOLDER).keys()


def test_no_review_and_no_catalogue_is_of_nothing() -> None:
    names = {path.stem for path in FOLDER.glob("*.toml")} - {"protected"}
    assert names <= set(catalogues.languages())


def german(**changed: Any) -> Checked:
    """Return a small German catalogue without a fault, with some of its parts *changed*."""
    template, catalogue = Catalog(), Catalog()
    for text, translation in TEXTS.items():
        template.add(text)
        catalogue.add(text, translation)
    template.add(WARNING, context=reviews.CONTEXT)
    catalogue.add(WARNING, WARNUNG, context=reviews.CONTEXT)
    checked = Checked(
        "de",
        catalogue,
        template,
        catalogues.catalogue_text("de", catalogue, template),
        LanguageFile(frozenset({"Show"}), {WARNING: REVIEW}),
        RULES,
        frozenset({"Log in"}),
    )
    return replace(checked, **changed)


def test_a_catalogue_without_a_fault_has_none() -> None:
    assert [] == faults(german())


@pytest.mark.parametrize(
    ("text", "translation", "fault"),
    [
        ("Log in", "", "has no translation"),
        (LEFT, ("Noch %(num)d Minute.", ""), "has a plural form without translation"),
        (LEFT, ("Noch %(num)d Minuten.",), "has 1 plural forms, and needs 2"),
        (LEFT, ("Noch eine.", "Noch einige."), "lacks %(num)d: “Noch einige.”"),
        ("Log in to %(page)s", "Anmelden", "lacks %(page)s"),
        ("Log in to %(page)s", "Bei %(seite)s", "has %(seite)s, which the English has not"),
        ("Log in to %(page)s", "Bei %(page)d", "lacks %(page)s"),
        ("Log in to %(page)s", "Bei %(page)s zu 100 %", "another number of %"),
        ("Log in", "<b>Anmelden</b>", "has markup"),
        ("Log in", "An&shy;melden", "has markup"),
        ("Log in", "https://x", "has an address"),
        ("Log in", "evil.example", "has an address"),
        ("Log in", "An\u202emelden", "has a control character"),
        ("Log in", "An\u200bmelden", "has a control character"),
        ("Log in", "An\nmelden", "has a control character"),
        ("Log in", "Melde dich 'an", "has a straight apostrophe"),
        ("Log in", "Anmelden!", "has an exclamation mark"),
        ("Log in", " Anmelden", "begins or ends with a space"),
        ("Log in", "Log in", "reads as in English"),
        ("Log in", "Mit dem Konto hier anmelden", "is a button, and at most 24 wide; this is 27"),
        ("Log in", "ログインしてください今すぐ", "is a button, and at most 24 wide; this is 26"),
        ("Show", "Das Passwort jetzt anzeigen", "is 27 wide, more than 2.2 times the English"),
        ("Log in", "Threadlink", "names Threadlink"),
    ],
)
def test_a_broken_translation_is_a_fault(text: Any, translation: Any, fault: str) -> None:
    checked = german()
    message = checked.catalogue.get(text if isinstance(text, str) else text[0])
    assert message
    message.string = translation

    found = faults(checked)

    assert any(fault in each for each in found), found
    first = text if isinstance(text, str) else text[0]
    assert all(each.startswith(f"de: “{first}”: ") for each in found), found


def test_a_form_of_a_single_number_may_leave_it_out() -> None:
    """German "eine Minute", Arabic's dual; but in French the first form is for 0 as well."""
    checked = german()
    message = checked.catalogue.get(LEFT[0])
    assert message
    message.string = ("Noch eine Minute.", "Noch %(num)d Minuten.")

    assert [] == [fault for fault in faults(checked) if "lacks" in fault]
    message.string = ("une", "%(num)d de minutes", "%(num)d minutes")
    (lacks,) = (each for each in faults(replace(checked, language="fr")) if "lacks" in each)
    assert "fr: “%(num)d minute left.”: lacks %(num)d: “une”" == lacks


def test_a_guess_is_a_fault() -> None:
    checked = german()
    message = checked.catalogue.get("Log in")
    assert message
    message.flags.add("fuzzy")
    assert ["de: “Log in”: is marked fuzzy: check it, then remove the mark"] == faults(checked)


def test_a_text_that_the_pages_have_and_the_catalogue_has_not_is_a_fault() -> None:
    checked = german()
    checked.template.add("New")
    assert ["de: “New”: is missing: run `make catalogues`, then translate it"] == faults(checked)


def test_a_text_that_the_pages_no_longer_have_is_a_fault(tmp_path: Path) -> None:
    checked = german()
    checked.catalogue.add("Old", "Alt")
    assert ["de: “Old” is no text of the pages: run `make catalogues`"] == faults(checked)

    path = tmp_path / "de.po"
    path.write_text(checked.written + '\n#~ msgid "Old"\n#~ msgstr "Alt"\n', encoding="utf-8")
    obsolete = replace(checked, catalogue=catalogues.read(path))
    assert ["de: “Old” is obsolete: run `make catalogues`"] == faults(obsolete)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda text: text.replace("(n != 1)", "(n > 1)"), "Plural-Forms has to be nplurals=2"),
        (lambda text: text.replace('"Plural-Forms', '"X-Plural-Forms'), "Plural-Forms has to be"),
        (lambda text: f"# By hand.\n{text}", "is not as `make catalogues` writes it"),
    ],
)
def test_a_file_that_is_not_as_it_is_written_is_a_fault(
    change: Callable[[str], str], fault: str
) -> None:
    checked = german()
    (found,) = faults(replace(checked, written=change(checked.written)))
    assert fault in found


@pytest.mark.parametrize(
    ("own", "fault"),
    [
        (
            LanguageFile(frozenset({"Show", "Old"}), {WARNING: REVIEW}),
            "same_as_english names “Old”",
        ),
        (LanguageFile(frozenset({"Show"})), "it protects people and has no review"),
        (
            LanguageFile(frozenset({"Show"}), {WARNING: REVIEW, "Old": REVIEW}),
            "there is a review of “Old”, which is no protected text",
        ),
    ],
)
def test_a_file_of_reviews_of_something_else_is_a_fault(own: LanguageFile, fault: str) -> None:
    (found,) = faults(german(own=own))
    assert fault in found


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"sha256": "0" * 64}, "it was changed after its review: translate it back"),
        ({"back": "If somebody has the link, stop."}, "translated back, it does not say 'sent'"),
        ({"back": "If he sent you a link, stop."}, "does not say 'someone' or 'somebody'"),
        ({"back": "If someone sent it, do not stop."}, "translated back, it says 'not'"),
        ({"by": "me"}, 'by = "machine" or "native"'),
        ({"date": "today"}, "must have a date"),
        ({"note": "x"}, "its review must have back, by, date, sha256, text"),
    ],
)
def test_a_review_that_does_not_hold_is_a_fault(changed: dict[str, object], fault: str) -> None:
    own = LanguageFile(frozenset({"Show"}), {WARNING: {**REVIEW, **changed}})
    (found,) = faults(german(own=own))
    assert found.startswith(f"de: “{WARNING}”: ")
    assert fault in found


def test_a_protected_text_without_a_rule_is_a_fault() -> None:
    (found,) = faults(german(rules={}))
    assert "protected.toml has no rule for it" in found


@pytest.mark.parametrize("language", ["vi", "de", "ar"])
def test_a_language_that_is_begun_has_as_many_forms_as_it_needs(
    language: str, tmp_path: Path
) -> None:
    path = tmp_path / f"{language}.po"
    begun = catalogues.catalogue_text(language, Catalog(), catalogues.extracted())
    path.write_text(begun, encoding="utf-8")

    again = catalogues.catalogue_text(language, catalogues.read(path), catalogues.extracted())

    assert begun == again
    assert {"vi": 1, "de": 2, "ar": 6}[language] == catalogues.read(path).num_plurals


@pytest.mark.parametrize(
    ("back", "is_broken"),
    [("Don’t share it", False), ("Don't share it", False), ("Do share it", True)],
)
def test_a_negation_may_end_a_word(back: str, *, is_broken: bool) -> None:
    assert is_broken == bool(list(Rule((("n't", "not"),), (), "").broken_by(back)))
