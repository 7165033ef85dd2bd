"""Draw all pages: `make sheet` writes build/sheet/, one picture per language, device and theme.

For eyes: whoever changes a page looks at it as every person will meet it.
"""

import logging
import sys
from base64 import b64encode
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, ViewportSize

from tests import chromium
from tests.web.gallery_server import serving
from tests.web.page_gallery import SAMPLES

FOLDER: Final = Path(__file__).parents[2] / "build/sheet"
LANGUAGES: Final = ("en", "ar", "en-XA")
DEVICES: Final = {
    "phone": ViewportSize(width=390, height=844),
    "desktop": ViewportSize(width=1280, height=800),
}
THEMES: Final = ("light", "dark")
# How many pages stand in one row, and how wide each is on the sheet.
_COLUMNS: Final = {"phone": 8, "desktop": 5}
_WIDTH: Final = {"phone": 260, "desktop": 400}


def draw(languages: tuple[str, ...] = LANGUAGES) -> Iterator[Path]:
    """Draw the sheets of *languages*, and yield where each is."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with serving() as gallery, chromium.running() as browser:
        for kind in product(languages, DEVICES, THEMES):
            yield _sheet(browser, gallery.url, *kind)


def _sheet(browser: Browser, url: str, language: str, device: str, theme: str) -> Path:
    context = browser.new_context(
        viewport=DEVICES[device],
        color_scheme=theme,  # type: ignore[arg-type]  # one of THEMES
        reduced_motion="reduce",
    )
    page = context.new_page()
    pictures = [(name, _picture(page, f"{url}/{language}/{name}")) for name in SAMPLES]
    context.close()
    path = FOLDER / f"{language}-{device}-{theme}.png"
    wide = _COLUMNS[device] * (_WIDTH[device] + 8) + 8
    sheet = browser.new_page(viewport=ViewportSize(width=wide, height=400))
    sheet.set_content(_contents(pictures, _WIDTH[device]))
    sheet.screenshot(path=path, full_page=True)
    sheet.close()
    return path


def _picture(page: Page, address: str) -> str:
    page.goto(address)
    return b64encode(page.screenshot(full_page=True)).decode()


def _contents(pictures: list[tuple[str, str]], width: int) -> str:
    figures = "".join(
        f'<figure style="display:inline-block;margin:4px;vertical-align:top">'
        f"<figcaption>{name}</figcaption>"
        f'<img width="{width}" src="data:image/png;base64,{picture}" alt=""></figure>'
        for name, picture in pictures
    )
    return f'<body style="margin:4px;background:#999;font:13px sans-serif">{figures}</body>'


if __name__ == "__main__":
    # Else the gallery's server prints a line for each file of each page.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    for drawn in draw(tuple(sys.argv[1:]) or LANGUAGES):
        sys.stdout.write(f"{drawn}\n")
        sys.stdout.flush()
