"""LANGUAGES, and `languages` and `texts` of PAGES_FILE."""

from pathlib import Path

import pytest
from sqlalchemy import URL

from app.infra.settings.languages import SHIPPED
from app.infra.settings.settings import ConfigError, Settings
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT, settings_for

NOWHERE = URL.create("sqlite", database="/nowhere/threadlink.sqlite")
PUBLIC = {
    "PUBLIC_URL": "https://link.example.com",
    "SECRET_KEY": "Zk3yTq8vRw2mXc6nBh4jL5pQs7dFg9aE",
    "VERIFY_TOKEN": "canary-verify-token-meatyhamhock",
}


def with_pages(folder: Path, text: str, **changed: str) -> Settings:
    path = folder / "pages.toml"
    path.write_text(text, encoding="utf-8")
    kept = {name: text for name, text in ENVIRONMENT.items() if not name.startswith("PAGE_")}
    return settings_from_env({**kept, "PAGES_FILE": str(path), **changed})


def test_all_that_are_shipped_are_offered_unless_the_operator_names_some() -> None:
    (page,) = settings_for(NOWHERE).pages
    assert SHIPPED == page.languages.offered
    assert "en" == page.languages.first


def test_the_first_that_is_named_is_the_one_for_everybody_else() -> None:
    (page,) = settings_for(NOWHERE, LANGUAGES="EN-xa en").pages
    assert ("en-XA", "en") == page.languages.offered


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        ("tlh", "LANGUAGES must name languages of the pages: they are en"),
        ("en_US", "must name languages of the pages"),
        ("en en", "LANGUAGES names a language twice"),
        ("en,en-XA", "must name languages of the pages"),
    ],
)
def test_a_language_that_is_not_there_stops_the_start(named: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault) as refused:
        settings_for(NOWHERE, LANGUAGES=named)
    assert named not in str(refused.value)


def test_nobody_beyond_this_machine_is_shown_the_pseudo_locale(tmp_path: Path) -> None:
    page = '[[pages]]\nid = "1"\ntoken = "t"\nlanguages = ["en", "en-XA"]\n'
    with pytest.raises(ConfigError, match="LANGUAGES names en-XA, which nobody speaks"):
        settings_for(NOWHERE, **PUBLIC, LANGUAGES="en-XA")
    with pytest.raises(ConfigError, match="LANGUAGES names en-XA, which nobody speaks"):
        with_pages(tmp_path, page, **PUBLIC)

    assert "en-XA" in with_pages(tmp_path, page).pages[0].languages.offered


def test_a_page_may_have_languages_of_its_own_and_texts_in_each(tmp_path: Path) -> None:
    """A text without a language is in the page's first; a language without one has none."""
    own, other = with_pages(
        tmp_path,
        '[[pages]]\nid = "1"\ntoken = "t"\nlanguages = ["en-XA", "en"]\n'
        '[pages.texts]\nintro = "Hullo."\n'
        '[pages.texts.EN]\nintro = "Hello."\ntitle = "Members"\n'
        '[[pages]]\nid = "2"\ntoken = "t"\n[pages.texts]\nintro = "Good day."\n',
        LANGUAGES="en",
    ).pages

    assert ("en-XA", "en") == own.languages.offered
    assert ("Hullo.", "") == (own.brand.texts_in("en-XA").intro, own.brand.texts_in("en-XA").title)
    assert ("Hello.", "Members") == (own.brand.texts_in("en").intro, own.brand.texts_in("en").title)
    assert ("en",) == other.languages.offered
    assert ("Good day.", "") == (
        other.brand.texts_in("en").intro,
        other.brand.texts_in("en-XA").intro,
    )


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ('"en"', "languages must be a list of text"),
        ("[1]", "languages must be a list of text"),
        ("[]", "languages must name a language"),
        ('["en", "tlh"]', "languages must name languages of the pages: they are en"),
        ('["en", "EN"]', "languages names a language twice"),
    ],
)
def test_languages_of_a_page_that_are_not_there_stop_the_start(
    value: str, fault: str, tmp_path: Path
) -> None:
    text = f'[[pages]]\nid = "1"\ntoken = "t"\nlanguages = {value}\n'
    with pytest.raises(ConfigError, match=f"PAGES_FILE page 1: {fault}"):
        with_pages(tmp_path, text)
