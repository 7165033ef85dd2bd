"""The pages' looks in a real browser, under their Content-Security-Policy."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # no types
from playwright.sync_api import Page, ViewportSize

from tests.web.gallery_server import Visit
from tests.web.page_gallery import SAMPLES

AXE: str = Axe().axe_script
SMALL = ViewportSize(width=320, height=568)
# What is left of the small one at 200 %.
ZOOMED = ViewportSize(width=160, height=284)

ALL = pytest.mark.parametrize("name", SAMPLES)
# With a problem on it as well, a page may be longer than the smallest screen.
QUESTIONS = pytest.mark.parametrize(
    "name", ["confirm", "confirm-picture", "confirm-unnamed", "code", "code-unnamed"]
)

SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, input")]
  .filter((each) => each.checkVisibility())
  .map((each) => [each.outerHTML, each.getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) < 44)
  .map(([html]) => html)"""


@ALL
def test_axe_finds_nothing(visit: Visit, name: str) -> None:
    """R81; and R73, since a page that breaks its policy says so on the console."""
    page = visit(name)

    page.evaluate(AXE)
    by_day = _findings(page)
    page.emulate_media(color_scheme="dark")
    by_night = _findings(page, "color-contrast")

    assert [] == by_day
    assert [] == by_night


@ALL
def test_every_page_fits_a_small_screen(visit: Visit, name: str) -> None:
    """R81: at 320 px and at 200 % nobody scrolls sideways, and fingers find what to tap."""
    page = visit(name, viewport=SMALL)

    small = page.evaluate("document.documentElement.scrollWidth")
    small_targets = page.evaluate(SMALL_TARGETS)
    page.set_viewport_size(ZOOMED)
    zoomed = page.evaluate("document.documentElement.scrollWidth")

    assert (320, 160) == (small, zoomed)
    assert [] == small_targets


@QUESTIONS
def test_both_choices_are_seen_at_once_and_alike(visit: Visit, name: str) -> None:
    """R15: on a small phone both are in view, and without a code Connect is no brighter."""
    page = visit(name, viewport=SMALL)

    cancel, connect = page.locator(".choices button").all()
    first, second = cancel.bounding_box(), connect.bounding_box()
    assert first is not None
    assert second is not None
    assert (first["y"], first["width"], first["height"]) == (
        second["y"],
        second["width"],
        second["height"],
    )
    assert second["y"] + second["height"] <= 568
    look = (
        "e => (s => [s.color, s.backgroundColor, s.border, s.font, s.opacity])(getComputedStyle(e))"
    )
    is_asked_for_a_code = name.startswith("code")
    assert is_asked_for_a_code == (cancel.evaluate(look) != connect.evaluate(look))


def test_a_name_that_turns_letters_around_turns_only_its_own(visit: Visit) -> None:
    """R82: a name spelled backwards must not turn the caption beneath it."""
    page = visit("confirm")
    caption = page.locator(".them .caption")
    before = caption.bounding_box()

    page.locator(".them strong bdi").evaluate("e => { e.textContent = '\\u202eanA\\u202b' }")

    assert before == caption.bounding_box()
    assert "Messenger profile" == caption.inner_text()


def _findings(page: Page, *rules: str) -> list[str]:
    options: dict[str, Any] = {"resultTypes": ["violations", "incomplete"]}
    if rules:
        options["runOnly"] = rules
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"] + found["incomplete"]
        for node in rule["nodes"]
    ]
