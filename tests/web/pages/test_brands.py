"""Every page says whose it is: by the settings, else as Meta names the Page, else by the host."""

import re
from pathlib import Path
from typing import Final, Self

import pytest
from sqlalchemy import URL

from app import create_app
from app.infra import clock
from app.infra.settings.palette import DEFAULT_COLOUR, palette_of
from app.messenger.pictures import Picture
from app.services.container import Services, build
from app.setup import page_profiles
from app.setup.page_profiles import KeptProfile
from tests.actors import Graph, Person, log_in
from tests.browsers import Answer, InProcess
from tests.conftest import on_sqlite
from tests.installation import ANA, OTHER_PAGE, PAGE, PUBLIC_URL, settings_for

PNG: Final = b"\x89PNG\r\n\x1a\n of the settings"
OF_META: Final = Picture(b"\xff\xd8\xff of Meta", "image/jpeg")
PRIVACY: Final = "https://shop.example/privacy"


def told_by_meta(services: Services, page_id: str = PAGE, name: str = "Harbour Coffee") -> None:
    profile = KeptProfile(name, OF_META, answered_at=clock.now())
    services.write(page_profiles.claim, page_id, at=clock.now())
    services.write(page_profiles.keep, page_id, profile)


def name_on(page: Answer) -> str:
    """Return the name at the head of *page*."""
    [head] = re.findall(r"<header[^>]*>(.*?)</header>", page.text, re.DOTALL)
    *_, name = re.findall(r"<bdi[^>]*>([^<]*)</bdi>", head)
    return str(name)


class Site:
    """A server with settings of the test's, and a browser that has never been there."""

    def __init__(self, database: URL, **changed: str) -> None:
        self.services = build(settings_for(database, **changed), limit_seconds=60)
        self.browser = InProcess(create_app(self.services), PUBLIC_URL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.services.close()

    def page(self, address: str = "/") -> Answer:
        return self.browser("GET", address)

    def name(self, address: str = "/") -> str:
        """Return the name at the head of the page at *address*."""
        return name_on(self.page(address))

    def part(self, name: str, address: str = "/") -> Answer:
        """Return what the page at *address* loads as *name* of its brand."""
        [found] = {*re.findall(rf'"(/brand/[^"]*/{name})"', self.page(address).text)}
        return self.browser("GET", found)


@pytest.fixture
def pages_file(tmp_path: Path) -> Path:
    path = tmp_path / "pages.toml"
    path.write_text(
        f'[[pages]]\nid = "{PAGE}"\ntoken = "t1"\n'
        f'[[pages]]\nid = "{OTHER_PAGE}"\nname = "Corner Books"\ntoken = "t2"\n'
    )
    return path


def several(database: URL, path: Path, **changed: str) -> Site:
    one = {"PAGE_ID": "", "PAGE_ACCESS_TOKEN": ""}
    return Site(database, PAGES_FILE=str(path), **one, **changed)


def test_a_name_is_of_the_settings_else_of_meta_else_of_the_host(database: URL) -> None:
    """No page that asks for a password is ever nameless, also at a first start without Meta."""
    with Site(database) as site:
        assert "127.0.0.1" == site.name()
        told_by_meta(site.services)
        # This process has read that nothing is known.
        assert "127.0.0.1" == site.name()
    with Site(database) as site:
        assert "Harbour Coffee" == site.name()
    with Site(database, PAGE_NAME="Harbour & Sons") as site:
        assert "Harbour &amp; Sons" == site.name()


@on_sqlite
def test_a_logo_is_of_the_settings_else_of_meta_else_a_letter(
    database: URL, tmp_path: Path
) -> None:
    path = tmp_path / "logo.png"
    path.write_bytes(PNG)
    with Site(database) as site:
        assert "/logo" not in site.page().text
        told_by_meta(site.services)
    with Site(database) as site:
        of_meta = site.part("logo")
    with Site(database, BRAND_LOGO=str(path)) as site:
        own = site.part("logo")

    assert (OF_META.content, "image/jpeg") == (of_meta.body, of_meta.headers["content-type"])
    assert (PNG, "image/png") == (own.body, own.headers["content-type"])
    assert "public, max-age=31536000, immutable" == own.headers["cache-control"]


@on_sqlite
def test_the_style_is_always_there_and_changes_its_address_with_the_brand(database: URL) -> None:
    """With colour, logo and the letter; links are in none of the kept files."""
    addresses, rules = [], []
    for changed in ({}, {"BRAND_COLOUR": "#ffd400"}, {"PRIVACY_URL": PRIVACY}, {"PAGE_NAME": "X"}):
        with Site(database, **changed) as site:
            rules.append(site.part("style.css").text)
            addresses += re.findall(r'"(/brand/[^"]*/style\.css)"', site.page().text)

    assert palette_of(DEFAULT_COLOUR).stylesheet == rules[0] == rules[2]
    assert palette_of("#ffd400").stylesheet == rules[1]
    assert 3 == len(set(addresses))
    assert addresses[0] == addresses[2]


@on_sqlite
@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("harbour", "H"),
        ("“ß", "S"),
        ("7 Seas", "7"),
        ("<script>", "S"),
        ("&&", "&amp;"),
        ("ärzte", "Ä"),
        ("日本", "日"),
    ],
)
def test_the_icon_is_one_letter_on_the_brand_s_colour_and_runs_nothing(
    name: str, letter: str, database: URL
) -> None:
    """An SVG is a document if it is opened by itself."""
    with Site(database, PAGE_NAME=name, BRAND_COLOUR="#ffd400") as site:
        icon = site.part("icon.svg")

    assert ["image/svg+xml; charset=utf-8", "default-src 'none'; sandbox", "nosniff"] == [
        icon.headers[key]
        for key in ("content-type", "content-security-policy", "x-content-type-options")
    ]
    assert f">{letter}</text></svg>" in icon.text
    assert 'fill="#ffd400"' in icon.text
    assert "script" not in icon.text


@on_sqlite
def test_the_icon_that_browsers_ask_for_is_the_logo_the_letter_or_the_neutral_mark(
    database: URL, pages_file: Path
) -> None:
    with Site(database) as site:
        letter = site.page("/favicon.ico")
        told_by_meta(site.services)
    with Site(database) as site:
        logo = site.page("/favicon.ico")
    with several(database, pages_file) as site:
        neutral = site.page("/favicon.ico")

    assert ">1</text>" in letter.text
    assert OF_META.content == logo.body
    assert "<text" not in neutral.text
    assert "<svg" in neutral.text
    for icon in (letter, logo, neutral):
        assert (200, "public, max-age=86400") == (icon.status, icon.headers["cache-control"])


ERRORS: Final = ("/nowhere", "/authorize", "/authorize/abc/confirm")


@on_sqlite
def test_with_one_page_every_error_carries_its_brand(database: URL) -> None:
    with Site(database, PAGE_NAME="Harbour Coffee") as site:
        named = [site.name(address) for address in ERRORS]
        foreign = site.name(f"/authorize?client_id={OTHER_PAGE}")
        lost = site.browser("GET", "/", headers={"Host": "evil.example"})

    assert ["Harbour Coffee"] * 3 == named
    assert "Harbour Coffee" == foreign
    # Flask makes no addresses for a host that is not ours.
    assert (400, "Harbour Coffee") == (lost.status, name_on(lost))


@on_sqlite
def test_with_several_pages_an_error_carries_a_brand_only_where_the_page_is_known(
    database: URL, pages_file: Path
) -> None:
    """Nobody's brand is lent to a page that is not theirs."""
    with several(database, pages_file) as site:
        known = site.page(f"/authorize?client_id={OTHER_PAGE}")
        assert "Corner Books" == site.name(f"/authorize?client_id={OTHER_PAGE}")
        for address in (*ERRORS, "/authorize?client_id=1", f"/?x={OTHER_PAGE}"):
            assert "127.0.0.1" == site.name(address), address
            assert "Corner Books" not in site.page(address).text
        twice = f"/authorize?client_id={OTHER_PAGE}&client_id={PAGE}"
        assert "127.0.0.1" == site.name(twice)
        # The neutral mark stands where a logo would.
        assert "<text" not in site.part("icon.svg").text

    assert 400 == known.status


@on_sqlite
@pytest.mark.usefixtures("jane")
def test_an_attempt_s_errors_carry_the_brand_of_its_page(
    database: URL, pages_file: Path, graph: Graph
) -> None:
    with several(database, pages_file) as site:
        login = log_in()
        graph.knows(login, ANA)
        told_by_meta(site.services)
        person = Person(site.browser)
        person.opens(login.address(client_id=PAGE))
        address = person.sees.location
        form = site.browser("POST", f"{address}/confirm", body={"form_token": "wrong"})

    assert (400, "Harbour Coffee") == (form.status, name_on(form))


@on_sqlite
def test_the_landing_page_leads_into_the_chat_of_a_named_page(
    database: URL, pages_file: Path
) -> None:
    with Site(database, PAGE_NAME="Harbour Coffee") as site:
        named = site.page().text
    with Site(database) as site:
        nameless = site.page().text
    with several(database, pages_file) as site:
        neutral, chosen = site.page().text, site.page(f"/?client_id={OTHER_PAGE}").text

    assert "Here <bdi>Harbour Coffee</bdi> logs you in from Messenger." in named
    assert f'href="https://m.me/{PAGE}"' in named
    assert f'href="https://m.me/{OTHER_PAGE}"' in chosen
    for text in (nameless, neutral):
        assert "This server connects Messenger profiles to accounts." in text
        assert "m.me" not in text


@on_sqlite
def test_only_on_this_machine_the_landing_page_leads_to_the_emulator(database: URL) -> None:
    shown = {"PAGE_NAME": "Harbour Coffee"}
    with Site(database, GRAPH_URL="http://127.0.0.1:8001", **shown) as site:
        here = site.page().text
    public = "https://link.example.com"
    with Site(database, PUBLIC_URL=public, **shown) as site:
        there = InProcess(create_app(site.services), public)("GET", "/").text

    assert 'href="/api/docs"' in here
    assert 'href="http://127.0.0.1:8001"' in here
    assert "Harbour Coffee" in there
    assert "/api/docs" not in there


@on_sqlite
def test_what_is_not_of_a_page_is_not_there(database: URL) -> None:
    with Site(database) as site:
        [good] = re.findall(r'"(/brand/[^"]*/)style\.css"', site.page().text)
        wrong = good.replace(PAGE, OTHER_PAGE), f"/brand/{PAGE}/0123456789abcdef/"
        found = [site.page(f"{folder}style.css").status for folder in (good, *wrong)]
        logo = site.page(f"{good}logo").status

    assert [200, 404, 404] == found
    assert 404 == logo
