"""The colours of a page that follow from a brand's own: its fill, the ink on it, and its edge.

All are computed when settings are read, and written as plain hex: old web views of Android know no
`oklch(from …)`. Contrast is that of WCAG 2.2 (w3.org/TR/WCAG22, "relative luminance").
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

DEFAULT_COLOUR: Final = "#2457c5"
WHITE: Final = "#ffffff"
BLACK_INK: Final = "#111111"
# The grounds of the pages, as style.css has them.
LIGHT_GROUND: Final = "#ffffff"
DARK_GROUND: Final = "#16191d"

# Of text, and of the parts of a control, to what is beside them (WCAG 2.2, 1.4.3 and 1.4.11).
LEAST_OF_TEXT: Final = 4.5
LEAST_OF_EDGES: Final = 3.0
# From here white ink needs a fill that is hardly darker; below, black ink is the better one.
_NEARLY_ENOUGH: Final = 3.9
# Where sRGB stops being linear.
_LINEAR_UP_TO: Final = 0.04045
_BLACK: Final = (0, 0, 0)
_WHITE: Final = (255, 255, 255)

_Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as ``#rrggbb``; the edges make the fill visible on the light and the dark ground."""

    fill: str
    ink: str
    light_edge: str
    dark_edge: str

    @property
    def contrast(self) -> float:
        """The contrast of the ink on the fill."""
        return contrast(self.ink, self.fill)

    @property
    def stylesheet(self) -> str:
        """The CSS that sets the colours, for both themes."""
        return (
            f":root {{ --brand: {self.fill}; --on-brand: {self.ink}; "
            f"--brand-edge: {self.light_edge}; }}\n"
            f"@media (prefers-color-scheme: dark) {{ :root {{ --brand: {self.fill}; "
            f"--on-brand: {self.ink}; --brand-edge: {self.dark_edge}; }} }}\n"
        )


@lru_cache(maxsize=256)
def palette_of(colour: str) -> Palette:
    """Return the palette of *colour*, which is ``#rrggbb``: readable whatever it is."""
    given = _rgb(colour)
    fill, ink = given, BLACK_INK
    if contrast(WHITE, colour) >= _NEARLY_ENOUGH:
        fill, ink = _mixed_until(given, _BLACK, WHITE, LEAST_OF_TEXT), WHITE
    return Palette(
        fill=_hex(fill),
        ink=ink,
        light_edge=_hex(_mixed_until(fill, _BLACK, LIGHT_GROUND, LEAST_OF_EDGES)),
        dark_edge=_hex(_mixed_until(fill, _WHITE, DARK_GROUND, LEAST_OF_EDGES)),
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    darker, lighter = sorted(_luminance(_rgb(colour)) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def _mixed_until(colour: _Rgb, added: _Rgb, ground: str, least: float) -> _Rgb:
    """Return *colour* with as little of *added* as gives a contrast of *least* to *ground*."""
    mixtures = (_mixed(colour, added, percent) for percent in range(101))
    return next(mixed for mixed in mixtures if contrast(_hex(mixed), ground) >= least)


def _mixed(colour: _Rgb, added: _Rgb, percent: int) -> _Rgb:
    red, green, blue = (
        round(own + (other - own) * percent / 100) for own, other in zip(colour, added, strict=True)
    )
    return red, green, blue


def _luminance(colour: _Rgb) -> float:
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= _LINEAR_UP_TO else ((channel + 0.055) / 1.055) ** 2.4


def _rgb(colour: str) -> _Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(colour: _Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
