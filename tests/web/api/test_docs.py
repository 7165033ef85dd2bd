"""The API's reference page: no broken links, and nothing from other origins."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # no types
from playwright.sync_api import Browser
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


def test_the_texts_are_plain(client: InProcess) -> None:
    """Some come from docstrings, whose marks and references mean nothing to a reader."""
    page = client("GET", "/api/docs").text

    prose = re.sub(r"<pre>.*?</pre>|<[^>]+>", "", page, flags=re.DOTALL)
    assert [] == re.findall(r"\*\w+\*|`|\bR\d+\b|\w+\.md", prose)


def test_a_browser_reports_no_problem(browser: Browser, origin: str) -> None:
    """R81, R83: no CDN, no inline style, readable in the dark and at 320 px."""
    complaints: list[str] = []
    asked: list[str] = []
    page = browser.new_page(viewport={"width": 320, "height": 700}, color_scheme="dark")
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{origin}/api/docs")
    found = Axe().run(page).response["violations"]
    width = page.evaluate("document.documentElement.scrollWidth")
    page.close()

    assert [] == complaints
    assert [] == [violation["id"] for violation in found]
    assert 320 == width
    assert {urlsplit(origin).netloc} == {urlsplit(url).netloc for url in asked if ":" in url[:6]}


def _not_yet(_environ: object, _start: object) -> Iterator[bytes]:
    raise AssertionError("asked before it is there")
