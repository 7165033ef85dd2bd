"""`threadlink pages` tells what people see of a Page, and asks Meta for its name and picture."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
import requests

from app.emulator.context import Emulator
from app.infra.settings.languages import SHIPPED
from app.services import background
from app.services.background import make_worker
from app.services.container import Services
from app.setup import page_profiles
from tests.conftest import on_sqlite
from tests.installation import OTHER_PAGE, PAGE
from tests.setup.conftest import TOKENS, Platform, Runs, lines

# What is asked here is Meta; both databases keep it in test_page_profiles.
pytestmark = on_sqlite

PNG: Final = b"\x89PNG\r\n\x1a\n"


def kept(server: Services) -> page_profiles.KeptProfile:
    return server.read(page_profiles.read_all).get(PAGE, page_profiles.UNKNOWN)


def test_refresh_tells_old_and_new(server: Services, runs: Runs) -> None:
    first, second = runs("pages", "refresh"), runs("pages", "refresh", "--page", PAGE)

    assert (0, 0) == (first.exit_code, second.exit_code), first.output
    assert f"Page {PAGE}: name none -> Harbour Coffee\n" in first.stdout
    assert f"Page {PAGE}: picture none -> image/png, " in first.stdout
    assert f"Page {PAGE}: name Harbour Coffee, as before\n" in second.stdout
    picture = kept(server).picture
    assert picture
    assert picture.content.startswith(PNG)


def test_refresh_of_what_graph_refuses_fails_and_keeps_what_is_known(
    server: Services, meta: Emulator, runs: Runs
) -> None:
    runs("pages", "refresh")
    meta.faults.turn_on("page-profile-refused")

    refused = runs("pages", "refresh")

    assert 1 == refused.exit_code
    assert "Graph did not tell: (#10) This endpoint requires" in refused.stdout
    assert ("Harbour Coffee", 10) == (kept(server).name, kept(server).refused_code)


def test_where_graph_refuses_the_picture_alone_the_name_is_kept(
    server: Services, meta: Emulator, runs: Runs
) -> None:
    meta.faults.turn_on("page-profile-refused", times=1)

    assert 0 == runs("pages", "refresh").exit_code
    assert ("Harbour Coffee", None) == (kept(server).name, kept(server).picture)


def test_a_page_that_is_not_configured_is_refused(server: Services, runs: Runs) -> None:
    result = runs("pages", "refresh", "--page", OTHER_PAGE)

    assert 2 == result.exit_code
    assert {} == server.read(page_profiles.read_all)


@pytest.mark.usefixtures("server")
def test_show_says_where_each_part_comes_from(runs: Runs, tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(PNG + b"x" * 92)
    own = {
        "PAGE_NAME": "Harbour & Sons",
        "BRAND_LOGO": str(logo),
        "BRAND_COLOUR": "#FFD400",
        "PRIVACY_URL": "https://shop.example/privacy",
    }
    host = runs("pages", "show").stdout
    runs("pages", "refresh")
    told, chosen = runs("pages", "show").stdout, runs("pages", "show", **own).stdout
    [as_json] = json.loads(runs("pages", "show", "--json", **own).stdout)

    assert "name     127.0.0.1 (the host of PUBLIC_URL: set PAGE_NAME" in host
    assert "logo     none: the first letter is shown" in host
    assert "name     Harbour Coffee (from Meta)" in told
    assert "(from Meta)" in told.partition("logo")[2]
    assert "name     Harbour & Sons (from the settings)" in chosen
    assert "logo     image/png, 100 bytes (from the settings)" in chosen
    assert "colour   #ffd400, ink #111111, contrast 13.19" in chosen
    assert "privacy  https://shop.example/privacy" in chosen
    assert {
        "id": PAGE,
        "name": "Harbour & Sons",
        "name_source": "settings",
        "logo": {"type": "image/png", "bytes": 100},
        "logo_source": "settings",
        "colour": "#ffd400",
        "ink": "#111111",
        "contrast": 13.19,
        "languages": list(SHIPPED),
        "links": {"privacy": "https://shop.example/privacy"},
        "website_url": None,
    } == as_json


def test_setup_asks_for_the_names(server: Services, runs: Runs) -> None:
    assert 0 == runs("setup", "--dry-run").exit_code
    assert page_profiles.UNKNOWN == kept(server)
    assert 0 == runs("setup").exit_code

    assert "Harbour Coffee" == kept(server).name


def test_the_worker_asks_at_its_start_and_no_person_does(
    server: Services, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request of a person ever waits for Meta to name the Page."""
    monkeypatch.setattr(background, "PAGES_AFTER", timedelta(0))
    worker = make_worker(server, "w")

    def questions() -> list[str]:
        return [asked for asked in platform.asked if asked.startswith(f"GET /{PAGE}?")]

    assert 200 == requests.get(f"{server.settings.public_url}/", timeout=10).status_code
    assert [] == questions()
    worker.run_once()
    assert ("Harbour Coffee", 1) == (kept(server).name, len(questions()))
    # Another process, at its own start.
    make_worker(server, "v").run_once()
    assert 1 == len(questions())
    assert TOKENS[PAGE] not in str(questions())


def test_doctor_tells_the_name_that_people_see(server: Services, runs: Runs) -> None:
    del server
    subject = f"name of page {PAGE}"
    before = lines(runs)[subject]
    runs("pages", "refresh")
    after, own = lines(runs)[subject], lines(runs, PAGE_NAME="Harbour & Sons")[subject]

    assert ("warning", "people see the host name 127.0.0.1") == (before["verdict"], before["words"])
    assert "PAGE_NAME" in before["mend"]
    assert ("ok", "people see “Harbour Coffee”, from Meta") == (after["verdict"], after["words"])
    assert "people see “Harbour & Sons”, from the settings" == own["words"]
    assert f"privacy link of page {PAGE}" not in lines(runs)
