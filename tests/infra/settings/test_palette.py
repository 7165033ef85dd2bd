"""The ink and the edge of any brand colour can be read and seen, in both themes."""

import re
from itertools import product
from typing import Final

import pytest

from app.infra.settings.palette import (
    DARK_GROUND,
    DEFAULT_COLOUR,
    LIGHT_GROUND,
    WHITE,
    contrast,
    palette_of,
)

STEPS: Final = (0, 36, 73, 109, 146, 182, 219, 255)
SAMPLED: Final = ["#{:02x}{:02x}{:02x}".format(*rgb) for rgb in product(STEPS, repeat=3)]
# Of brands that people know, and the ends of the range.
NAMED: Final = [
    *("#ffd400", "#1877f2", "#00b900", "#000000", "#ffffff", "#808080", "#ff0000", "#e60023"),
    *("#25d366", "#fe2c55", "#ff9900", "#635bff", "#0f766e", "#1a7f4b", "#767676", "#777777"),
    DEFAULT_COLOUR,
]


@pytest.mark.parametrize("colours", [SAMPLED, NAMED], ids=["sampled", "named"])
def test_ink_and_edges_are_readable_for_any_brand_colour(colours: list[str]) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 for the label, 3 for the edge of the button."""
    assert len(SAMPLED) == 512
    for colour in colours:
        made = palette_of(colour)
        assert contrast(made.ink, made.fill) >= 4.5, colour
        assert contrast(made.light_edge, LIGHT_GROUND) >= 3, colour
        assert contrast(made.dark_edge, DARK_GROUND) >= 3, colour


def test_a_brand_colour_is_shifted_little_and_only_for_white_ink() -> None:
    for colour in SAMPLED:
        made = palette_of(colour)
        channels = zip(bytes.fromhex(colour[1:]), bytes.fromhex(made.fill[1:]), strict=True)
        assert max(abs(before - after) for before, after in channels) <= 20, colour
        if made.ink != WHITE:
            assert colour == made.fill


@pytest.mark.parametrize(
    ("colour", "fill", "ink", "ratio"),
    [
        ("#ffd400", "#ffd400", "#111111", 13.19),
        ("#1877f2", "#1772e8", "#ffffff", 4.56),
        ("#00b900", "#00b900", "#111111", 7.14),
    ],
)
def test_examples_that_were_computed_by_hand(
    colour: str, fill: str, ink: str, ratio: float
) -> None:
    made = palette_of(colour)

    assert (fill, ink) == (made.fill, made.ink)
    assert pytest.approx(ratio, abs=0.005) == made.contrast


def test_edges_are_mixed_toward_what_the_ground_is_not() -> None:
    assert "#b09200" == palette_of("#ffd400").light_edge
    assert "#666666" == palette_of("#000000").dark_edge
    assert "#000000" == palette_of("#000000").light_edge


def test_the_stylesheet_holds_plain_colours_for_both_themes() -> None:
    """Old web views know no colour functions; nothing but the three properties is set."""
    light, dark = palette_of("#ffd400").stylesheet.splitlines()

    assert ":root { --brand: #ffd400; --on-brand: #111111; --brand-edge: #b09200; }" == light
    assert dark.startswith("@media (prefers-color-scheme: dark) { :root {")
    for line in (light, dark):
        assert ["--brand", "--on-brand", "--brand-edge"] == re.findall(r"(--[a-z-]+):", line)
