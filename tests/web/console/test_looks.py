"""The console in a real browser: by keyboard alone, without script, on a small screen (R139)."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # no types
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import URL

from app.cli.listening import listening
from app.cli.serving import serving
from app.operators.roles import Role
from app.services.container import build
from tests.installation import settings_for
from tests.web.console.staff import PASSWORD, add_operator

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

AXE: str = Axe().axe_script
# Every page of these is looked at; add those that you build.
PATHS = ("/", "/sessions", "/re-authenticate", "/nothing")
WIDTHS = (320, 390, 1280)
SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, input:not([type=hidden])")]
  .filter((each) => each.checkVisibility() && !each.classList.contains("skip"))
  .map((each) => [each.outerHTML, each.getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) < 24)
  .map(([html]) => html)"""


@pytest.fixture
def console(database: URL) -> Iterator[str]:
    """Yield the address of a console with one admin, kim."""
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        addresses = {
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "CONSOLE_URL": f"http://localhost:{port}",
        }
        services = build(settings_for(database, **addresses))
        add_operator(services, "kim", Role.ADMIN)
        with serving(services, listener):
            yield addresses["CONSOLE_URL"]


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    """Yield a window without script, whose pages must not complain."""
    complaints: list[str] = []
    context = browser.new_context(java_script_enabled=False)
    context.on("console", lambda message: complaints.append(message.text))
    yield context
    context.close()
    # What Chromium tells the developer of a page that asks for it.
    assert [] == [told for told in complaints if "Cleared data types" not in told]


def _sign_in(page: Page, console: str) -> None:
    """Sign in by keyboard alone, from the page that was asked for."""
    page.goto(f"{console}/sessions")
    expect(page).to_have_url(f"{console}/sign-in?next=/sessions")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.type("kim")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{console}/sessions")


def test_an_operator_works_by_keyboard_and_without_script(
    console: str, window: BrowserContext
) -> None:
    """R139: sign in, skip to the content, sign out."""
    page = window.new_page()
    _sign_in(page, console)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sessions")
    expect(page.get_by_role("link", name="Sessions")).to_have_attribute("aria-current", "page")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("button", name="Sign out").press("Enter")
    expect(page).to_have_url(f"{console}/sign-in")


@pytest.mark.parametrize("theme", ["light", "dark", "forced"])
def test_axe_finds_nothing_and_nobody_scrolls_sideways(
    console: str, browser: Browser, theme: str
) -> None:
    """R81, R139: at 320, 390 and 1280 px."""
    looks: dict[str, Any] = {
        "light": {"color_scheme": "light"},
        "dark": {"color_scheme": "dark"},
        "forced": {"forced_colors": "active"},
    }
    context = browser.new_context(**looks[theme])
    page = context.new_page()
    found: dict[tuple[str, int, str], object] = {}
    page.goto(f"{console}/sign-in")
    found["/sign-in", 0, "axe"] = _findings(page)
    _sign_in(page, console)
    for path in PATHS:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"{console}{path}")
            wide = page.evaluate("document.documentElement.scrollWidth")
            found[path, width, "sideways"] = max(0, wide - width)
            found[path, width, "targets"] = page.evaluate(SMALL_TARGETS)
        found[path, 0, "axe"] = _findings(page)
    context.close()

    assert {} == {of: what for of, what in found.items() if what}


def _findings(page: Page) -> list[str]:
    page.evaluate(AXE)
    result = page.evaluate("axe.run()")
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in result["violations"]]
