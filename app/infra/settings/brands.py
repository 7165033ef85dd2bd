"""How the pages of one Facebook Page look: read once from PAGES_FILE, checked at the start."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.infra.settings.parsing import SettingError, origin

MOST_LOGO_BYTES: Final = 200 * 1024
# Told by their first bytes. No SVG: opened by itself it is a document, with scripts.
_KINDS: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
}
_KNOWN: Final = frozenset({"name", "colour", "logo", "help_url", "sign_up_url"})
MOST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture, as it is sent."""

    content: bytes = field(repr=False)
    kind: str


@dataclass(frozen=True, slots=True)
class Texts:
    """What the pages say in the business's own words; whatever is empty is said in ours.

    The question, its warning, Connect and Cancel are no part of it: nobody may soften those.
    """

    title: str = ""
    intro: str = ""
    username: str = ""
    help: str = "Trouble signing in?"
    sign_up: str = "Create an account"
    connected: str = ""


@dataclass(frozen=True, slots=True)
class Brand:
    """What people see of a business; whatever is empty is as everywhere."""

    name: str = ""
    colour: str = ""
    logo: Logo | None = None
    help_links: tuple[tuple[str, str], ...] = ()
    texts: Texts = Texts()

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
_TEXTS: Final = frozenset(one.name for one in fields(Texts))


def read_brand(table: object, texts: object = None) -> Brand:
    """Return the brand that the TOML tables *table* and *texts* describe; none is a plain one.

    Raises:
        Fault: Something in them cannot be used.
    """
    brand, words = _table("brand", table, _KNOWN), _table("texts", texts, _TEXTS)
    said = Texts(**{name: _text(name, text) for name, text in words.items()})
    for name in ("help", "sign_up"):
        if name in words and f"{name}_url" not in brand:
            raise SettingError(f"texts: {name} says what a link does, and brand has no {name}_url")
    return Brand(
        name=brand.get("name", ""),
        colour=_colour(brand.get("colour", "")),
        logo=_logo(brand["logo"]) if "logo" in brand else None,
        help_links=_links(brand, said),
        texts=said,
    )


def _table(called: str, given: object, known: frozenset[str]) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise SettingError(f"{called} must be a table of texts")
    if unknown := sorted(given.keys() - known):
        raise SettingError(
            f"{called} knows no {', '.join(unknown)}: it has {', '.join(sorted(known))}"
        )
    return given


def _text(name: str, text: str) -> str:
    is_line = not any(unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in text)
    if not is_line or not text.strip() or len(text) > MOST_TEXT:
        raise SettingError(f"texts: {name} must be one line of {MOST_TEXT} characters at most")
    return text


def _colour(text: str) -> str:
    # It is written into a stylesheet: nothing but six digits will do.
    if text and not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        raise SettingError('brand: colour must look like "#1a7f4b"')
    return text


def _logo(path: str) -> Logo:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_LOGO_BYTES + 1)
    except OSError:
        raise SettingError("brand: logo cannot be read") from None
    kind = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    if kind is None or len(content) > MOST_LOGO_BYTES:
        raise SettingError(
            f"brand: logo must be PNG, JPEG or WebP, {MOST_LOGO_BYTES // 1024} KiB at most"
        )
    return Logo(content, kind)


def _links(table: Mapping[str, str], texts: Texts) -> tuple[tuple[str, str], ...]:
    labels = {"help_url": texts.help, "sign_up_url": texts.sign_up}
    links = tuple((labels[name], table[name]) for name in labels if name in table)
    for _, url in links:
        scheme, separator, rest = url.partition("://")
        try:
            origin(f"{scheme}{separator}{rest.partition('/')[0]}")
        except SettingError:
            raise SettingError("brand: help_url and sign_up_url must be web addresses") from None
        if scheme != "https" or not url.isprintable() or " " in url:
            raise SettingError("brand: help_url and sign_up_url must be https")
    return links
