"""The marks that stand for a business without a logo, as SVG of our own drawing."""

from typing import Final

from markupsafe import escape

from app.infra.settings.palette import Palette

POLICY: Final = "default-src 'none'; sandbox"
_BEGINS: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
    '<rect width="64" height="64" rx="16" fill="{fill}"/>'
)
# Two links of a chain.
_CHAIN: Final = (
    '<g fill="none" stroke="{ink}" stroke-width="6">'
    '<rect x="10" y="23" width="26" height="18" rx="9"/>'
    '<rect x="28" y="23" width="26" height="18" rx="9"/></g></svg>'
)
_LETTER: Final = (
    '<text x="32" y="33" fill="{ink}" font-family="system-ui, sans-serif" font-size="36" '
    'font-weight="600" text-anchor="middle" dominant-baseline="central">{letter}</text></svg>'
)


def initial_of(name: str) -> str:
    """Return the first letter or digit of *name* as a capital; its first character without one."""
    first = next((char for char in name if char.isalnum()), name[:1])
    return first.upper()[:1]


def monogram(letter: str, palette: Palette) -> str:
    """Return *letter* on the brand's colour."""
    drawn = f"{_BEGINS}{_LETTER}"
    return drawn.format(fill=palette.fill, ink=palette.ink, letter=escape(letter))


def neutral(palette: Palette) -> str:
    """Return the mark of a server with several Pages, where none of them is meant."""
    return f"{_BEGINS}{_CHAIN}".format(fill=palette.fill, ink=palette.ink)
