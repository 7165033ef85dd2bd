"""The console in a real browser: by day and night, on a small screen, with the keyboard alone."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # no types
from playwright.sync_api import Browser, Page, ViewportSize

from app.infra.settings.database_url import database_url
from tests.web.console.served_console import ServedConsole, serving

AXE: str = Axe().axe_script
SMALL = ViewportSize(width=320, height=640)
LARGE = ViewportSize(width=1280, height=900)
# Links in a sentence or a cell are as large as its text, which is allowed (WCAG 2.2, 2.5.8).
SMALL_TARGETS = """() => [...document.querySelectorAll(
    "a, button, input:not([type=hidden]), select, summary")]
  .filter((each) => each.checkVisibility() && !each.matches(".skip"))
  .filter((each) => !each.closest("p, li, td, dd"))
  .map((each) => [each.outerHTML, each.getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) < 24)
  .map(([html]) => html)"""
# On a small screen a cell's label stands beside all that the cell has.
UNDER_LABELS = """() => [...document.querySelectorAll(".rows :is(th, td)[data-label]")]
  .filter((cell) => {
    const inside = document.createRange();
    inside.selectNodeContents(cell);
    const label = parseFloat(getComputedStyle(cell, "::before").inlineSize);
    const end = cell.getBoundingClientRect().left + label;
    return [...inside.getClientRects()].some((box) => box.width > 0 && box.left < end);
  })
  .map((cell) => cell.outerHTML)"""
# Of each kind of page one: a list, a chart, a form, a question, a detail.
LOOKED_AT = ("overview", "cause", "attempts", "attempt", "search", "person", "unlink", "outbox")


@pytest.fixture(scope="module")
def served(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedConsole]:
    path = tmp_path_factory.mktemp("console") / "threadlink.sqlite"
    shutil.copyfile(sqlite_template, path)
    with serving(database_url(f"sqlite:///{path}")) as served:
        yield served


@pytest.fixture(scope="module")
def page(browser: Browser, served: ServedConsole) -> Iterator[Page]:
    """Yield a page of an admin; no page may have complained, such as of its policy."""
    complaints: list[str] = []
    context = browser.new_context(viewport=SMALL)
    page = served.signs_in(context)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    # An answer that is no page is told as well, and is expected.
    assert [] == [one for one in complaints if "404" not in one]


def test_every_page_fits_a_small_screen_also_at_twice_the_text(
    page: Page, served: ServedConsole
) -> None:
    """R81: nobody scrolls sideways at 320 px, nor with text of 200 %; targets can be hit."""
    found: dict[tuple[str, str], object] = {}
    for name, path in served.paths.items():
        page.goto(f"{served.url}{path}")
        found[name, "sideways"] = _sideways(page)
        found[name, "targets"] = page.evaluate(SMALL_TARGETS)
        found[name, "under labels"] = page.evaluate(UNDER_LABELS)
        found[name, "headings"] = page.locator("h1").count() - 1
        page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
        found[name, "sideways at 200 %"] = _sideways(page)
    assert {} == {name: each for name, each in found.items() if each}


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
def test_axe_finds_nothing_by_day_and_by_night(
    page: Page, served: ServedConsole, size: ViewportSize
) -> None:
    """R81, on one page of each kind."""
    found: dict[tuple[str, str], list[str]] = {}
    page.set_viewport_size(size)
    for name in LOOKED_AT:
        page.goto(f"{served.url}{served.paths[name]}")
        page.evaluate(AXE)
        found[name, "light"] = _findings(page)
        # Night changes colours alone.
        page.emulate_media(color_scheme="dark")
        found[name, "dark"] = _findings(page, "color-contrast")
        page.emulate_media(color_scheme="light")
    page.set_viewport_size(SMALL)
    assert {} == {name: each for name, each in found.items() if each}


def test_charts_are_seen_in_colours_of_the_reader(page: Page, served: ServedConsole) -> None:
    """In forced colours bars have the colour of text, and the other part its pattern."""
    page.emulate_media(forced_colors="active")
    page.goto(f"{served.url}{served.paths['overview']}")
    fills = page.evaluate(
        """() => {
          const of = (name) => getComputedStyle(document.querySelector(name)).fill;
          const ink = getComputedStyle(document.querySelector(".chart")).color;
          return [of(".chart-part") === ink, of(".chart text") === ink, of(".chart-rest")];
        }"""
    )
    page.emulate_media(forced_colors="none")

    assert [True, True] == fills[:2]
    assert fills[2].startswith('url("#')


def test_from_the_first_page_to_a_disconnected_person_by_keyboard(
    page: Page, served: ServedConsole
) -> None:
    """By Tab and Enter alone: the skip link, a cause, an attempt; a search, a person, the end."""
    page.goto(f"{served.url}/?days=7")
    page.keyboard.press("Tab")
    assert "Skip to the content" == page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    _tab_to(page, "graph token dead")
    page.keyboard.press("Enter")
    page.wait_for_url("**/causes/graph_token_dead*")
    page.goto(f"{served.url}/search")
    _tab_to(page, "", tag="INPUT")
    page.keyboard.type(served.paths["person"].rpartition("/")[2])
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/**")
    _tab_to(page, "Disconnect …")
    page.keyboard.press("Enter")
    page.wait_for_url("**/unlink")
    _tab_to(page, "", tag="INPUT")
    page.keyboard.type("ticket 4711")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith("/unlink"))

    assert "Not connected." in page.inner_text("main")


def _tab_to(page: Page, words: str, *, tag: str = "") -> None:
    for _ in range(150):
        page.keyboard.press("Tab")
        at, text = page.evaluate(
            "[document.activeElement.tagName, document.activeElement.textContent.trim()]"
        )
        if (tag and at == tag) or (words and text == words):
            return
    raise AssertionError(f"nothing that says {words or tag} can be reached")


def _sideways(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def _findings(page: Page, *rules: str) -> list[str]:
    """Return what axe finds by *rules*, or by all of them."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = rules
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
