"""The name and look of the pages: settings for all, which PAGES_FILE changes for each."""

import dataclasses
from pathlib import Path
from typing import Final

import pytest

from app.infra.settings.brands import Brand
from app.infra.settings.palette import DEFAULT_COLOUR
from app.infra.settings.settings import ConfigError
from app.services.settings import load_settings, reload_settings, settings_from_env
from tests.installation import ENVIRONMENT, OTHER_PAGE, PAGE

JPEG: Final = b"\xff\xd8\xff\xe0 logo"
ONE_PAGE: Final = ("PAGE_ID", "PAGE_ACCESS_TOKEN")


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    path = tmp_path / "logo.jpg"
    path.write_bytes(JPEG)
    return path


def brands_in(path: Path, toml: str, **changed: str) -> list[Brand]:
    """Return the brands of the pages that *toml* describes."""
    path.write_text(toml, encoding="utf-8")
    env = {name: text for name, text in ENVIRONMENT.items() if name not in ONE_PAGE}
    settings = settings_from_env({**env, "PAGES_FILE": str(path), **changed})
    return [page.brand for page in settings.pages]


def test_without_a_setting_the_brand_is_plain_and_complete() -> None:
    [page] = settings_from_env(ENVIRONMENT).pages

    assert Brand() == page.brand
    assert DEFAULT_COLOUR == page.brand.colour


def test_one_page_has_the_brand_of_the_settings(logo: Path) -> None:
    settings = settings_from_env(
        {
            **ENVIRONMENT,
            "PAGE_NAME": "Harbour Coffee",
            "BRAND_COLOUR": "#1A7F4B",
            "BRAND_LOGO": str(logo),
            "IMPRINT_URL": "https://shop.example/imprint",
            "PRIVACY_URL": "https://shop.example/privacy",
            "WEBSITE_URL": "https://shop.example",
        }
    )

    [page] = settings.pages
    brand = page.brand
    assert ("Harbour Coffee", "Harbour Coffee") == (page.name, brand.name)
    assert "#1a7f4b" == brand.colour
    assert brand.logo
    assert (JPEG, "image/jpeg") == (brand.logo.content, brand.logo.kind)
    # In the order of the foot.
    assert ["privacy", "imprint"] == [*brand.links]
    assert "https://shop.example" == brand.website_url


def test_what_pages_file_says_comes_before_the_settings(tmp_path: Path) -> None:
    first, second = brands_in(
        tmp_path / "pages.toml",
        f'[[pages]]\nid = "{PAGE}"\ntoken = "t1"\nname = "Harbour Coffee"\n'
        '[pages.brand]\ncolour = "#1a7f4b"\nterms_url = "https://harbour.example/terms"\n'
        'privacy_url = "https://harbour.example/privacy"\n'
        f'[[pages]]\nid = "{OTHER_PAGE}"\ntoken = "t2"\n[pages.brand]\nname = "Corner"\n',
        PAGE_NAME="Both",
        BRAND_COLOUR="#ffd400",
        PRIVACY_URL="https://both.example/privacy",
    )

    assert ("Harbour Coffee", "#1a7f4b") == (first.name, first.colour)
    assert {
        "privacy": "https://harbour.example/privacy",
        "terms": "https://harbour.example/terms",
    } == first.links
    assert ("Corner", "#ffd400") == (second.name, second.colour)
    assert {"privacy": "https://both.example/privacy"} == second.links


def test_a_page_needs_no_name_in_pages_file(tmp_path: Path) -> None:
    path, page = tmp_path / "pages.toml", f'[[pages]]\nid = "{PAGE}"\ntoken = "t"\n'

    assert [""] == [brand.name for brand in brands_in(path, page)]
    assert ["Both"] == [brand.name for brand in brands_in(path, page, PAGE_NAME="Both")]
    with pytest.raises(ConfigError, match="PAGES_FILE page 1: name must be one line of 75"):
        brands_in(path, f'{page}name = "{"x" * 76}"')


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("PAGE_NAME", "s3cret" * 13, "must be one line of 75 characters at most"),
        ("PAGE_NAME", "s3cret\nname", "must be one line of 75 characters at most"),
        ("BRAND_COLOUR", "s3cret", 'must look like "#1a7f4b"'),
        ("BRAND_COLOUR", "#1a7f4b; } s3cret", 'must look like "#1a7f4b"'),
        ("BRAND_COLOUR", "#fff", 'must look like "#1a7f4b"'),
        ("BRAND_LOGO", "/nowhere/s3cret.png", "cannot be read"),
        ("BRAND_LOGO", "pyproject.toml", "must be PNG, JPEG or WebP, 200 KiB at most"),
        *((key, "http://s3cret.example", "must be https") for key in ("PRIVACY_URL", "TERMS_URL")),
        ("IMPRINT_URL", "javascript:s3cret", "must be a web address"),
        ("WEBSITE_URL", "https://jo:s3cret@shop.example", "must be a web address"),
        ("PRIVACY_URL", f"https://shop.example/{'s3cret' * 400}", "must be https"),
        ("PROFILE_PICTURE_HOSTS", "https://s3cret.example", "must be names of hosts"),
        ("PROFILE_PICTURE_HOSTS", "*.s3cret.example", "must have the dot alone"),
    ],
)
def test_a_brand_that_cannot_be_used_stops_the_start(name: str, text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} {fault}") as refused:
        settings_from_env({**ENVIRONMENT, name: text})
    assert "s3cret" not in str(refused.value)


def test_a_logo_that_is_too_large_is_refused(logo: Path) -> None:
    logo.write_bytes(JPEG + bytes(200 * 1024))

    with pytest.raises(ConfigError, match="BRAND_LOGO must be PNG, JPEG or WebP, 200 KiB at most"):
        settings_from_env({**ENVIRONMENT, "BRAND_LOGO": str(logo)})


def test_a_brand_is_taken_at_a_reload(
    logo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)
    before = load_settings()
    (tmp_path / ".env").write_text(f"PAGE_NAME=Harbour Coffee\nBRAND_LOGO={logo}\n")

    [page] = reload_settings(before).pages

    assert "Harbour Coffee" == page.brand.name
    assert dataclasses.replace(page.brand, name="", logo=None) == before.pages[0].brand
