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
QUESTIONS = pytest.mark.parametrize("name", [name for name in SAMPLES if "confirm" in name])

# Each tenth of the colour circle, pale, strong and dark, and the two ends.
ACCENTS = [f"hsl({hue} 100% {light}%)" for hue in range(0, 360, 36) for light in (25, 50, 80)]
ACCENTS += ["#fff", "#000"]

# WCAG's contrast of each word in the brand's colour with what it stands on. The colours are read
# from a canvas, since a computed style may be in any notation.
CONTRASTS = """(accent) => {
  document.documentElement.style.setProperty("--accent", accent);
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const beneath = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" ? beneath(element.parentElement) : colour;
  };
  const words = ".mark, .main, .choice, .quiet, .help a, .disc.us";
  return [...document.querySelectorAll(words)].map((element) => {
    const pair = [light(getComputedStyle(element).color), light(beneath(element))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  });
}"""

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
    """R15: on a small phone nobody has to look for Cancel, and Connect does not shine."""
    page = visit(name, viewport=SMALL)

    cancel, connect = page.locator(".choice").all()
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
    assert cancel.evaluate(look) == connect.evaluate(look)


@pytest.mark.parametrize("name", ["confirm", "sign-in-with-everything"])
@pytest.mark.parametrize("colour_scheme", ["light", "dark"])
def test_any_colour_of_a_brand_stays_readable(visit: Visit, name: str, colour_scheme: str) -> None:
    """R81: the operator chose the colour for a logo, not for white letters on it."""
    page = visit(name, color_scheme=colour_scheme)

    least = {accent: min(page.evaluate(CONTRASTS, accent)) for accent in ACCENTS}

    assert {} == {accent: contrast for accent, contrast in least.items() if contrast < 4.5}


def test_a_name_that_turns_letters_around_turns_only_its_own(visit: Visit) -> None:
    """R82: "Ana" spelled backwards must not swap the two sides of the question."""
    page = visit("confirm")
    page.locator("h1 bdi").first.evaluate("e => { e.textContent = '\\u202eanA\\u202b' }")

    places = page.locator("h1").evaluate(
        """h1 => ["Connect", " on Messenger"].map((words, i) => {
            const text = [...h1.childNodes].filter(n => n.nodeType === 3)[i];
            const range = new Range();
            range.setStart(text, 0); range.setEnd(text, words.length);
            return range.getBoundingClientRect().left;
        })"""
    )
    name = page.locator("h1 bdi").first.bounding_box()
    assert name is not None
    assert places[0] < name["x"] < places[1]


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
