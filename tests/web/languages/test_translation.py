"""The language of a request: on pages, errors and the landing page, and in their headers."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import URL

from app import create_app
from app.infra.settings.settings import Settings
from app.services.container import build
from app.services.settings import settings_from_env
from tests.actors import Graph, LogIn, log_in
from tests.browsers import Answer, InProcess
from tests.installation import ANA, ENVIRONMENT, OTHER_PAGE, PAGE, PUBLIC_URL, settings_for
from tests.web.page_visitor import PageVisitor

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PSEUDO = {"Accept-Language": "en-XA,en;q=0.5"}


@contextmanager
def serving(settings: Settings) -> Iterator[Flask]:
    with closing(build(settings)) as services:
        yield create_app(services)


def of(answer: Answer) -> tuple[str, str, str]:
    """Return the language of the markup and of the header, and what the answer varies by."""
    return (
        answer.text.split('<html lang="')[1].split('"')[0],
        answer.headers["content-language"],
        answer.headers["vary"],
    )


def test_every_page_says_its_language_and_what_it_was_chosen_by(
    database: URL, graph: Graph
) -> None:
    login = log_in()
    graph.knows(login, ANA)
    with serving(settings_for(database, LANGUAGES="en en-XA")) as app:
        _check_kinds_of_answers(app, login)


def _check_kinds_of_answers(app: Flask, login: LogIn) -> None:
    visitor = PageVisitor(app)
    browser = visitor.browser

    assert ("en", "en", "Accept-Language") == of(browser("GET", "/"))
    assert ("en-XA", "en-XA", "Accept-Language") == of(browser("GET", "/", headers=PSEUDO))
    assert ("en-XA", "en-XA", "Accept-Language") == of(browser("GET", "/no", headers=PSEUDO))
    refused = InProcess(app, PUBLIC_URL)("GET", "/authorize", headers=PSEUDO)
    assert ("en-XA", "en-XA", "Cookie, Accept-Language") == of(refused)
    assert ("en", "en", "Cookie, Accept-Language") == of(visitor.taps_log_in(login))
    for path in ("/healthz", "/webhook", "/api/v1/openapi.json"):
        answer = browser("GET", path, headers=PSEUDO)
        assert "content-language" not in answer.headers
        assert "vary" not in answer.headers
    docs = browser("GET", "/api/docs", headers=PSEUDO)
    assert ("en", None) == (docs.headers["content-language"], docs.headers.get("vary"))


def test_one_language_is_everybody_s(database: URL) -> None:
    with serving(settings_for(database, LANGUAGES="en-XA")) as app:
        answer = InProcess(app, PUBLIC_URL)("GET", "/", headers={"Accept-Language": "en"})
    assert ("en-XA", "en-XA", "Accept-Language") == of(answer)


def with_pages(database: URL, path: Path, languages: Mapping[str, str]) -> Settings:
    """Return the settings of pages with *languages* of their own, in the file *path*."""
    path.write_text(
        "".join(
            f'[[pages]]\nid = "{page}"\ntoken = "t"\nlanguages = {names}\n'
            for page, names in languages.items()
        ),
        encoding="utf-8",
    )
    kept = {name: text for name, text in ENVIRONMENT.items() if not name.startswith("PAGE_")}
    return settings_from_env(
        {
            **kept,
            "DATABASE_URL": database.render_as_string(hide_password=False),
            "PAGES_FILE": str(path),
            "LANGUAGES": "en",
        }
    )


def test_the_only_page_s_languages_are_those_of_every_error(database: URL, tmp_path: Path) -> None:
    """Its brand is there too, so an address that names another page changes neither."""
    settings = with_pages(database, tmp_path / "pages.toml", {PAGE: '["en-XA"]'})

    with serving(settings) as app:
        browser = InProcess(app, PUBLIC_URL)
        answers = [browser("GET", path) for path in ("/authorize?client_id=1", "/no", "/")]
    assert ["en-XA"] * 3 == [of(answer)[1] for answer in answers]


def test_a_page_s_own_languages_are_those_of_its_pages_and_of_errors_on_the_way_to_them(
    database: URL, tmp_path: Path
) -> None:
    settings = with_pages(
        database, tmp_path / "pages.toml", {PAGE: '["en"]', OTHER_PAGE: '["en", "en-XA"]'}
    )
    # Too little is in the links.
    chosen = {f"/authorize?client_id={PAGE}": "en", f"/authorize?client_id={OTHER_PAGE}": "en-XA"}
    others = {"/authorize?client_id=1": "en", "/": "en"}

    with serving(settings) as app:
        browser = InProcess(app, PUBLIC_URL)
        assert {**chosen, **others} == {
            address: of(browser("GET", address, headers=PSEUDO))[1]
            for address in (*chosen, *others)
        }
