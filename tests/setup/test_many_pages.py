"""Three pages, two people on each, one server: nothing of one page is seen on another."""

import itertools
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser
from sqlalchemy import URL

from app.accounts import local
from app.emulator import PageSettings
from app.infra.settings.palette import palette_of
from app.infra.settings.settings import ConfigError
from app.infra.settings.texts import Texts
from app.linking import link_queries
from app.messenger.types import PageId
from app.services.container import Services
from app.services.settings import settings_from_env
from tests.browsers import OverSockets
from tests.installation import ENVIRONMENT, NOON, PASSWORD, USERNAME
from tests.setup.conftest import Platform, messenger_of
from tests.setup.messenger_visitor import Visitor

PAGES: Final = {
    "1717527131834678": ("Harbour Coffee", "#1a7f4b"),
    "2817527131834679": ("Corner Books", "#7a1f5c"),
    "3917527131834680": ("Blue Bikes", "#124f9e"),
}
EVERYBODY: Final = tuple(itertools.product(PAGES, ("Ana Berg", "Ben Okafor")))
PNG: Final = b"\x89PNG\r\n\x1a\n" + b"0" * 64


@pytest.fixture
def platform() -> Iterator[Platform]:
    """Yield a Messenger with three pages, each with its own token."""
    with messenger_of(PageSettings(id_, PAGES[id_][0], f"EAA{id_}") for id_ in PAGES) as platform:
        yield platform


@pytest.fixture
def pages_file(tmp_path: Path) -> Path:
    (tmp_path / "logo.png").write_bytes(PNG)
    path = tmp_path / "pages.toml"
    path.write_text(
        "\n".join(
            f'[[pages]]\nid = "{id_}"\nname = "{name}"\ntoken = "EAA{id_}"\n'
            f'[pages.brand]\ncolour = "{colour}"\nlogo = "{tmp_path}/logo.png"\n'
            f'help_url = "https://help.example/{id_}"\n'
            f'[pages.texts]\nintro = "Welcome to {name}."\ntitle = "<b>{name}</b>, members"\n'
            f'username = "{name} number"\nhelp = "Lost your {name} card?"\n'
            f'connected = "{name} knows you now."\n'
            for id_, (name, colour) in PAGES.items()
        ),
        encoding="utf-8",
    )
    return path


@pytest.fixture
def environment(database: URL, platform: Platform, pages_file: Path) -> dict[str, str]:
    return {
        **{name: text for name, text in ENVIRONMENT.items() if not name.startswith("PAGE_")},
        "DATABASE_URL": database.render_as_string(hide_password=False),
        "GRAPH_URL": platform.origin,
        "REDIRECT_ORIGINS": platform.origin,
        "PAGES_FILE": str(pages_file),
    }


def test_two_people_on_three_pages_are_linked_and_nothing_is_mixed(
    server: Services, platform: Platform
) -> None:
    """
    A token is good with its own page's token alone: the emulator refuses any other.
    """
    platform.emulator.state.subscribe(f"{server.settings.public_url}/webhook")
    expected, visitors = {}, {}
    for number, (page_id, name) in enumerate(EVERYBODY):
        username, hashed = f"user-{number}@example.com", server.hasher.hash(PASSWORD)
        expected[page_id, name] = server.write(local.add, username, None, hashed, at=NOON)
        visitors[page_id, name] = Visitor(server.settings.public_url, platform, page_id, name)
    # Everybody is on the way before anybody has arrived.
    for number, visitor in enumerate(visitors.values()):
        visitor.person.signs_in(username=f"user-{number}@example.com")
    for visitor in visitors.values():
        visitor.connects()
        visitor.close()

    found = {
        (page_id, name): server.read(link_queries.find_link, PageId(page_id), visitor.psid)
        for (page_id, name), visitor in visitors.items()
    }
    assert expected == {key: link.user.subject for key, link in found.items() if link and link.user}


def test_each_page_looks_like_itself(server: Services, platform: Platform) -> None:
    for page_id, (name, colour) in PAGES.items():
        visitor = Visitor(server.settings.public_url, platform, page_id, "Ana Berg")
        text = visitor.person.sees.text
        style = next(
            word for word in text.split('"') if word.endswith("/style.css") and page_id in word
        )
        logo = visitor.webview("GET", style.replace("style.css", "logo"))
        rules = visitor.webview("GET", style)
        visitor.close()

        assert f"Welcome to {name}." in text
        # As text, whatever is in it.
        assert f"<h1>&lt;b&gt;{name}&lt;/b&gt;, members</h1>" in text
        assert f'<label for="username">{name} number</label>' in text
        assert f">Lost your {name} card?</a>" in text
        assert f"https://help.example/{page_id}" in text
        assert f"--brand: {palette_of(colour).fill};" in rules.text
        assert ("text/css", "image/png") == (
            rules.headers["content-type"].partition(";")[0],
            logo.headers["content-type"],
        )
        assert PNG == logo.body
        others = [other for other, _ in PAGES.values() if other != name]
        assert [] == [other for other in others if other in text]


def test_a_browser_takes_the_brand_under_the_page_s_own_policy(
    server: Services, platform: Platform, browser: Browser
) -> None:
    visitor = Visitor(server.settings.public_url, platform, next(iter(PAGES)), "Ana Berg")
    complaints: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text))

    page.goto(visitor.entry)

    brand = "getComputedStyle(document.documentElement).getPropertyValue('--brand')"
    assert "#1a7f4b" == page.evaluate(brand).strip()
    # The logo of this test is a PNG by its first bytes only.
    assert [] == [said for said in complaints if "Content Security Policy" in said]
    page.close()
    visitor.close()


def test_a_style_of_another_page_is_not_there(server: Services) -> None:
    browser = OverSockets(server.settings.public_url)

    answers = [
        browser("GET", f"/brand/{page}/0123456789abcdef/style.css") for page in (*PAGES, "9")
    ]
    browser.close()

    assert [404] * 4 == [answer.status for answer in answers]


def test_the_question_is_in_nobody_s_own_words_and_the_last_page_is(
    server: Services, platform: Platform
) -> None:
    """
    What the person consents to, and the warning before it, must not depend on a text of anybody.
    """
    platform.emulator.state.subscribe(f"{server.settings.public_url}/webhook")
    server.write(local.add, USERNAME, None, server.hasher.hash(PASSWORD), at=NOON)
    page_id = next(iter(PAGES))
    visitor = Visitor(server.settings.public_url, platform, page_id, "Ana Berg")

    question = visitor.person.signs_in().text
    address = visitor.person.sees.form("Connect").action.removesuffix("/confirm")
    visitor.connects()
    last = visitor.webview("GET", address).text
    visitor.close()

    assert "Whoever uses this Messenger profile can use your account." in question
    assert "knows you now" not in question
    assert "Harbour Coffee knows you now." in last
    assert "You can go back to your conversation." not in last


def test_no_text_of_the_question_can_be_set() -> None:
    assert {"title", "intro", "username", "help", "sign_up", "connected"} == {
        text.name for text in fields(Texts)
    }


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        ('warning = "x"', "texts has no key warning"),
        ("intro = 1", "texts must be a table of texts"),
        ('intro = ""', "intro must be one line of 200 characters at most"),
        ('intro = "a\\nb"', "intro must be one line"),
        (f'intro = "{"x" * 201}"', "intro must be one line"),
        ('help = "Lost?"', "brand has no help_url"),
        ('[pages.texts.tlh]\nintro = "x"', "tlh is no language of the pages: they are en"),
        ('[pages.texts.en-XA]\nintro = "x"', "en-XA is not among the languages of the page"),
        ('[pages.texts.en]\nwarning = "x"', "texts has no key warning"),
        ('intro = "x"\n[pages.texts.en]\ntitle = "x"', "those in en are in two places"),
        ("[pages.texts.en]\n[pages.texts.EN]", "en is there twice"),
    ],
    ids=[
        "unknown",
        "no text",
        "empty",
        "two lines",
        "long",
        "a label without its link",
        "no language",
        "not offered",
        "unknown in a language",
        "two places",
        "twice",
    ],
)
def test_a_text_that_cannot_be_used_stops_the_start(texts: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "pages.toml"
    path.write_text(f'[[pages]]\nid = "1"\ntoken = "t"\n[pages.texts]\n{texts}\n', encoding="utf-8")
    kept = {name: text for name, text in ENVIRONMENT.items() if not name.startswith("PAGE_")}

    with pytest.raises(ConfigError, match=rf"PAGES_FILE page 1: .*{fault}"):
        settings_from_env({**kept, "PAGES_FILE": str(path)})


@pytest.mark.parametrize(
    ("brand", "fault"),
    [
        ('colour = "red"', "colour must look like"),
        ('colour = "#1a7f4b; } body { display: none"', "colour must look like"),
        ('logo = "/nowhere.png"', "logo cannot be read"),
        ('logo = "pages.toml"', "logo must be PNG, JPEG or WebP"),
        ('help_url = "javascript:alert(1)"', "help_url must be a web address"),
        ('privacy_url = "http://shop.example"', "privacy_url must be https"),
        ('website_url = "https://shop.example/a b"', "website_url must be https"),
        ('name = ""', "name must be one line of 75 characters at most"),
        (f'name = "{"x" * 76}"', "name must be one line"),
        ('sign_up_url = "http://shop.example"', "must be https"),
        ('color = "#1a7f4b"', "brand has no key color"),
        ("colour = 1", "must be a table of texts"),
    ],
    ids=lambda text: text.partition(" = ")[0],
)
def test_a_brand_that_cannot_be_used_stops_the_start(
    brand: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "pages.toml"
    path.write_text(f'[[pages]]\nid = "1"\ntoken = "t"\n[pages.brand]\n{brand}\n', encoding="utf-8")
    kept = {name: text for name, text in ENVIRONMENT.items() if not name.startswith("PAGE_")}

    with pytest.raises(ConfigError, match=rf"PAGES_FILE page 1: .*{fault}"):
        settings_from_env({**kept, "PAGES_FILE": str(path)})
