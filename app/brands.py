"""How the pages of one Facebook Page look: read once from PAGES_FILE, checked at the start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.environment import Fault, origin

MOST_LOGO_BYTES: Final = 200 * 1024
# Told by their first bytes. No SVG: opened by itself it is a document, with scripts.
_KINDS: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
}
_KNOWN: Final = frozenset({"name", "colour", "logo", "intro", "help_url", "sign_up_url"})


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture, as it is sent."""

    content: bytes = field(repr=False)
    kind: str


@dataclass(frozen=True, slots=True)
class Brand:
    """What people see of a business; whatever is empty is as everywhere."""

    name: str = ""
    colour: str = ""
    logo: Logo | None = None
    # What stands under "Sign in to …".
    intro: str = ""
    help_links: tuple[tuple[str, str], ...] = ()

    @property
    def stylesheet(self) -> str:
        """Return the rules that give the pages their colour."""
        return f":root {{ --accent: {self.colour}; }}\n" if self.colour else ""

    @property
    def digest(self) -> str:
        """Return what changes with everything that browsers keep."""
        logo = self.logo.content if self.logo else b""
        return sha256(self.stylesheet.encode() + b"\0" + logo).hexdigest()[:16]


PLAIN: Final = Brand()


def read_brand(table: object) -> Brand:
    """Return the brand that the TOML table *table* describes; none is a plain one.

    Raises:
        Fault: Something in it cannot be used.
    """
    if table is None:
        return PLAIN
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise Fault("brand must be a table of texts")
    if unknown := sorted(table.keys() - _KNOWN):
        raise Fault(f"brand knows no {', '.join(unknown)}: it has {', '.join(sorted(_KNOWN))}")
    return Brand(
        name=table.get("name", ""),
        colour=_colour(table.get("colour", "")),
        logo=_logo(table["logo"]) if "logo" in table else None,
        intro=table.get("intro", ""),
        help_links=_links(table),
    )


def _colour(text: str) -> str:
    # It is written into a stylesheet: nothing but six digits will do.
    if text and not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        raise Fault('brand: colour must look like "#1a7f4b"')
    return text


def _logo(path: str) -> Logo:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_LOGO_BYTES + 1)
    except OSError:
        raise Fault("brand: logo cannot be read") from None
    kind = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    if kind is None or len(content) > MOST_LOGO_BYTES:
        raise Fault(f"brand: logo must be PNG, JPEG or WebP, {MOST_LOGO_BYTES // 1024} KiB at most")
    return Logo(content, kind)


def _links(table: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    labels = {"help_url": "Trouble signing in?", "sign_up_url": "Create an account"}
    links = tuple((labels[name], table[name]) for name in labels if name in table)
    for _, url in links:
        scheme, separator, rest = url.partition("://")
        try:
            origin(f"{scheme}{separator}{rest.partition('/')[0]}")
        except Fault:
            raise Fault("brand: help_url and sign_up_url must be web addresses") from None
        if scheme != "https" or not url.isprintable() or " " in url:
            raise Fault("brand: help_url and sign_up_url must be https")
    return links
