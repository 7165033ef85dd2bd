"""The marks that stand for a business without a logo, as SVG of our own drawing."""

from typing import Final

from markupsafe import escape

from app.infra.settings.palette import Palette

POLICY: Final = "default-src 'none'; sandbox"


def initial_of(name: str) -> str:
    """Return the first letter or digit of *name* as a capital; its first character without one."""
    first = next((char for char in name if char.isalnum()), name[:1])
    return first.upper()[:1]


def monogram(letter: str, palette: Palette) -> str:
    """Return *letter* on the brand's colour."""
    return _on_ground(
        palette,
        f'<text x="32" y="33" fill="{palette.ink}" font-family="system-ui, sans-serif" '
        'font-size="36" font-weight="600" text-anchor="middle" dominant-baseline="central">'
        f"{escape(letter)}</text>",
    )


def neutral(palette: Palette) -> str:
    """Return the mark of a server with several Pages, where none is meant: two links of a chain."""
    return _on_ground(
        palette,
        f'<g fill="none" stroke="{palette.ink}" stroke-width="6">'
        '<rect x="10" y="23" width="26" height="18" rx="9"/>'
        '<rect x="28" y="23" width="26" height="18" rx="9"/></g>',
    )


def _on_ground(palette: Palette, drawn: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<rect width="64" height="64" rx="16" fill="{palette.fill}"/>{drawn}</svg>'
    )
