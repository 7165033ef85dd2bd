"""The pages' looks in a real browser, under their Content-Security-Policy."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # no types
from playwright.sync_api import Page, ViewportSize

from tests.web.conftest import PHONE
from tests.web.gallery_server import GalleryServer, Visit
from tests.web.page_gallery import SAMPLES

AXE: str = Axe().axe_script
SMALL = ViewportSize(width=320, height=568)
# What is left of the small one at 200 %.
ZOOMED = ViewportSize(width=160, height=284)

# Each portion has one browser window: to open one takes as long as to look at a page.
PORTIONS = pytest.mark.parametrize(
    "names", [list(SAMPLES)[first::8] for first in range(8)], ids=lambda names: names[0]
)
# With a problem on it as well, a page may be longer than the smallest screen.
QUESTIONS = pytest.mark.parametrize(
    "name",
    ["confirm", "confirm-picture", "confirm-unnamed", "code", "code-unnamed", "connect-confirm"],
)

# One of each kind, with the most that can be on it.
LOOKS = (
    "sign-in-with-everything",
    "sign-in-refused",
    "confirm-like-brand",
    "code-refused",
    "linked",
    "connect-invite",
    "connect-confirm-like-brand",
    "connections",
)

SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, input")]
  .filter((each) => each.checkVisibility())
  .map((each) => [each.outerHTML, each.getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) < 44)
  .map(([html]) => html)"""


@PORTIONS
def test_every_page_is_without_a_finding_and_fits_a_small_screen(
    visit: Visit, gallery: GalleryServer, names: list[str]
) -> None:
    """R81, by axe in English by day; at 320 px and at 200 % nobody scrolls sideways.

    And R73, since a page that breaks its policy says so on the console.
    """
    found: dict[tuple[str, str], object] = {}
    page = visit(names[0])
    for name in names:
        page.set_viewport_size(PHONE)
        page.goto(f"{gallery.url}/{name}")
        page.evaluate(AXE)
        found[name, "axe"] = _findings(page)
        page.set_viewport_size(SMALL)
        found[name, "sideways"] = page.evaluate("document.documentElement.scrollWidth") - 320
        found[name, "targets"] = page.evaluate(SMALL_TARGETS)
        page.set_viewport_size(ZOOMED)
        found[name, "zoomed"] = page.evaluate("document.documentElement.scrollWidth") - 160

    assert {} == {of: what for of, what in found.items() if what}


# Texts that are wider than what holds them.
CLIPPED = """() => [...document.querySelectorAll("main *, header *, footer *")]
  .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .filter((each) => getComputedStyle(each).display !== "inline")
  .filter((each) => each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.outerHTML)"""
# What is shut has no width yet.
OPENED = """() => document.querySelectorAll("details").forEach((each) => { each.open = true })"""
# WCAG 2.2, 1.4.12: what a reader's own stylesheet may ask for.
SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important;
  word-spacing: .16em !important } p { margin-bottom: 2em !important }"""


@pytest.mark.parametrize("language", ["ar", "en-XA"])
def test_axe_finds_nothing_in_other_languages_and_themes(
    visit: Visit, gallery: GalleryServer, language: str
) -> None:
    """R81: right to left, and with texts that are 40 % longer, at 320 px."""
    found = {}
    page = visit(f"{language}/{LOOKS[0]}", viewport=SMALL)
    for name in LOOKS:
        page.emulate_media(color_scheme="dark", contrast="no-preference")
        page.goto(f"{gallery.url}/{language}/{name}")
        page.evaluate(AXE)
        found[name, "dark"] = _findings(page)
        page.emulate_media(color_scheme="light", contrast="more")
        found[name, "light"] = _findings(page, "color-contrast")

    assert {} == {of: findings for of, findings in found.items() if findings}


@pytest.mark.parametrize("language", ["en", "en-XA", "ar", "de", "th", "ja"])
def test_no_text_is_cut_off_in_any_language(
    visit: Visit, gallery: GalleryServer, language: str
) -> None:
    """R81: at 320 px, with text of twice the size, and with the spacing of WCAG 1.4.12."""
    cut: dict[tuple[str, str], object] = {}
    page = visit(f"{language}/{LOOKS[0]}", viewport=SMALL, bypass_csp=True)
    for name in LOOKS:
        page.goto(f"{gallery.url}/{language}/{name}")
        page.evaluate(OPENED)
        cut[name, "narrow"] = page.evaluate(CLIPPED)
        cut[name, "targets"] = page.evaluate(SMALL_TARGETS)
        cut[name, "sideways"] = page.evaluate("document.documentElement.scrollWidth") - 320
        page.add_style_tag(content="html { font-size: 200% }")
        cut[name, "200 %"] = page.evaluate(CLIPPED)
        cut[name, "sideways at 200 %"] = page.evaluate("document.documentElement.scrollWidth") - 320
        page.add_style_tag(content="html { font-size: 100% } " + SPACED)
        cut[name, "spaced"] = page.evaluate(CLIPPED)

    assert {} == {of: what for of, what in cut.items() if what}


def test_nothing_moves_for_who_asks_for_less_motion(visit: Visit) -> None:
    """WCAG 2.2, 2.3.3."""
    page = visit("linked", reduced_motion="reduce")

    assert 0 == page.evaluate("document.getAnimations().length")


def test_with_forced_colours_buttons_and_problems_keep_their_border(visit: Visit) -> None:
    """R81: no background carries a meaning."""
    page = visit("sign-in-refused", forced_colors="active")

    for piece in (".primary", ".problem"):
        border = page.locator(piece).evaluate("e => getComputedStyle(e).borderTopWidth")
        assert "1px" == border


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
