"""Draw the pictures of README.md and docs/branding.md anew: `make pictures`."""

import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Route, ViewportSize

from app.infra.settings.palette import palette_of
from tests import chromium
from tests.journeys.mobile_browser import PHONE, MobileBrowser
from tests.journeys.program import Threadlink
from tests.web.gallery_server import serving
from tests.web.page_gallery import SAMPLES, Brand

# As a laptop shows it; what does not fit is below.
WIDE: Final = ViewportSize(width=1280, height=900)
DOCS: Final = Path(__file__).parents[2] / "docs"
# Name and colour of a business, the theme of the phone, and the page.
_BRANDS: Final = (
    ("Harbour Coffee", "#0f766e", "light", "sign-in"),
    ("Kino Luna", "#ffd400", "light", "sign-in-with-everything"),
    ("Harbour Coffee", "#0f766e", "light", "confirm"),
    ("Kino Luna", "#ffd400", "dark", "code"),
)


def draw_demo(browser: Browser) -> bytes:
    """Return a picture of a log-in in the demo: four phones side by side."""
    with tempfile.TemporaryDirectory() as folder:
        threadlink = Threadlink(Path(folder))
        ports = ("--port", "0", "--emulator-port", "0")
        with threadlink.serves("demo", "--json", *ports) as served:
            pictures = _log_in(MobileBrowser(browser, "readme"), served.described)
            served.stops()
    return _side_by_side(browser, pictures)


def draw_console(browser: Browser) -> bytes:
    """Return a picture of the console's first page, with the demo's generated day."""
    with tempfile.TemporaryDirectory() as folder:
        ports = ("--port", "0", "--emulator-port", "0")
        with Threadlink(Path(folder)).serves("demo", "--json", *ports) as served:
            demo = served.described
            page = browser.new_page(viewport=WIDE, color_scheme="light")
            page.goto(demo["console_url"])
            page.get_by_label("Name").fill(demo["console_user"])
            page.get_by_label("Password").fill(demo["console_password"])
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("heading", name="Overview").wait_for()
            drawn = page.screenshot()
            page.close()
            served.stops()
    return drawn


def draw_brands(browser: Browser) -> bytes:
    """Return a picture of pages in the colours of two businesses."""
    with serving() as gallery:
        pictures = []
        for name, colour, theme, sample in _BRANDS:
            context = browser.new_context(
                viewport=PHONE,
                color_scheme=theme,  # type: ignore[arg-type]  # one of two
                reduced_motion="reduce",
            )
            page = context.new_page()
            html = SAMPLES[sample].render(brand=Brand(name))
            css = palette_of(colour).stylesheet
            page.route("**/shown", _answer(html, "text/html"))
            page.route("**/brand.css", _answer(css, "text/css"))
            page.goto(f"{gallery.url}/shown")
            pictures.append(page.screenshot())
            context.close()
    return _side_by_side(browser, pictures)


def _answer(body: str, content_type: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=body, content_type=content_type)


def _log_in(phone: MobileBrowser, demo: Mapping[str, Any]) -> list[bytes]:
    pictures = []
    phone.opens(demo["chat_url"])
    phone.sees("Log in to see your orders")
    pictures.append(phone.page.screenshot())
    phone.taps("Log In")
    phone.sees("Log in to Harbour Coffee")
    pictures.append(phone.page.screenshot())
    phone.signs_in(demo["username"], demo["password"])
    phone.sees("Is this you on Messenger?")
    phone.page.wait_for_load_state("networkidle")
    pictures.append(phone.page.screenshot())
    phone.taps("Connect")
    phone.sees("You’re logged in")
    phone.taps("Back to the chat")
    phone.sees("You logged in to Harbour Coffee.")
    pictures.append(phone.page.screenshot())
    phone.context.close()
    return pictures


def _side_by_side(browser: Browser, pictures: list[bytes]) -> bytes:
    images = "".join(
        f'<img width="300" src="data:image/png;base64,{b64encode(picture).decode()}" alt="" '
        'style="border:1px solid #888;border-radius:18px;margin:6px">'
        for picture in pictures
    )
    wide = len(pictures) * 314
    page = browser.new_page(viewport=ViewportSize(width=wide, height=100))
    page.set_content(f'<body style="margin:0;display:flex;align-items:start">{images}</body>')
    drawn = page.screenshot(full_page=True, omit_background=True)
    page.close()
    return drawn


if __name__ == "__main__":
    with chromium.running() as chrome:
        for file, draw in (
            ("demo.png", draw_demo),
            ("console.png", draw_console),
            ("branding.png", draw_brands),
        ):
            (DOCS / file).write_bytes(draw(chrome))
            sys.stdout.write(f"docs/{file}\n")
