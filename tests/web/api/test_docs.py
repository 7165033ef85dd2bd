"""The API's reference page: whole, plain, readable, and nothing from other origins."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # no types
from flask import template_rendered
from playwright.sync_api import Browser, Page, ViewportSize, expect
from werkzeug.serving import make_server

from app import create_app
from app.infra.settings.database_url import database_url
from app.services.container import build
from tests.browsers import InProcess
from tests.installation import settings_for


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[str]:
    """Yield the origin of a server that has it as PUBLIC_URL; the database has no tables."""
    database = database_url(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    server = make_server("127.0.0.1", 0, _not_yet, threaded=True)
    origin = f"http://127.0.0.1:{server.port}"
    services = build(settings_for(database, PUBLIC_URL=origin))
    server.app = create_app(services)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield origin
    server.shutdown()
    thread.join()
    server.server_close()
    services.close()


def test_every_link_on_the_page_has_a_target(client: InProcess) -> None:
    page = client("GET", "/api/docs").text

    places = set(re.findall(r'id="([^"]+)"', page))
    wanted = set(re.findall(r'href="#([^"]+)"', page))

    assert set() == wanted - places
    assert {"show_link", "LinkObject", "key_refused"} <= places


def test_a_stranger_cannot_have_the_large_page_rendered_again_and_again(
    client: InProcess,
) -> None:
    first = client("GET", "/api/docs")
    rendered = []
    with template_rendered.connected_to(lambda _sender, template, **_: rendered.append(template)):
        again = client("GET", "/api/docs")

    assert (first.text, []) == (again.text, rendered)


def test_the_texts_are_plain(client: InProcess) -> None:
    """Some come from docstrings, whose marks and references mean nothing to a reader."""
    page = client("GET", "/api/docs").text

    prose = re.sub(r"<pre>.*?</pre>|<[^>]+>", "", page, flags=re.DOTALL)
    assert [] == re.findall(r"\*\w+\*|`|\bR\d+\b|\w+\.md", prose)


def test_a_browser_reports_no_problem(browser: Browser, origin: str) -> None:
    """R81, R83: no CDN, no inline style, readable in light and dark and at 320 px, in large text.

    And without a mouse, and on paper, on which nothing can be opened.
    """
    complaints: list[str] = []
    asked: list[str] = []
    page = browser.new_page(viewport=PHONE, color_scheme="dark")
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{origin}/api/docs")
    found = [*_problems(page, {"exclude": [["pre"]]}), *_problems(page, ENTRY)]
    widths = [_width(page)]
    _enlarge_text(page, "200%")
    widths.append(_width(page))
    _enlarge_text(page, "")
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    found += _problems(page, ENTRY)
    widths.append(_width(page))

    assert [] == complaints
    assert [] == found
    assert [320, 320, 1280] == widths
    assert {urlsplit(origin).netloc} == {urlsplit(url).netloc for url in asked if ":" in url[:6]}
    _try_keyboard(page)
    page.emulate_media(media="print")
    # Some frames later: until then what was folded counts as hidden.
    while not page.evaluate(f"{UNFOLDED}.every(Boolean)"):
        page.evaluate("new Promise(requestAnimationFrame)")
    page.close()


PHONE = ViewportSize(width=320, height=700)
DESKTOP = ViewportSize(width=1280, height=800)
# Of the programs and the errors that are folded away on the screen.
UNFOLDED = """[...document.querySelectorAll("details:not([open]) pre")].map(
    (code) => code.checkVisibility({ contentVisibilityAuto: true })
)"""


# Has one of everything; axe needs seconds for the contrast of all the page's code.
ENTRY = {"include": [["#look_up_links"]]}


def _problems(page: Page, where: dict[str, list[list[str]]]) -> list[str]:
    """Return what axe finds, and what it cannot decide."""
    found = Axe().run(page, where).response
    return [problem["id"] for kind in ("violations", "incomplete") for problem in found[kind]]


def _width(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


def _enlarge_text(page: Page, size: str) -> None:
    page.evaluate("(size) => { document.documentElement.style.fontSize = size }", size)


def _try_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the contents")).to_be_focused()
    programs = page.locator("#show_link .programs details")
    programs.get_by_text("Node", exact=True).press("Enter")
    # One at a time, without a script.
    assert [False, False, True] == programs.evaluate_all("them => them.map(one => one.open)")


def _not_yet(_environ: object, _start: object) -> Iterator[bytes]:
    raise AssertionError("asked before it is there")
