"""The brand of a Facebook Page: name, colour, logo, links and texts of its sign-in pages.

Read from the tables `brand` and `texts` of PAGES_FILE.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.infra.settings.languages import ALL, Languages
from app.infra.settings.origins import origin
from app.infra.settings.parsing import SettingError
from app.infra.settings.texts import NO_TEXTS, Texts, read_texts

MOST_LOGO_BYTES: Final = 200 * 1024
# Media types by the first bytes. No SVG: opened by itself it is a document, with scripts.
_MEDIA_TYPES: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
}
# The keys of the table, and their meanings for docs/settings.md.
BRAND_KEYS: Final = {
    "name": "The name of the business, at the top of each page.",
    "colour": "The colour of buttons and links, such as `#1a7f4b`.",
    "logo": "The path of a picture: PNG, JPEG or WebP, "
    f"{MOST_LOGO_BYTES // 1024} KiB at most. It is shown in place of the name's first letter.",
    "help_url": "The https address of a link below the form.",
    "sign_up_url": "The https address of another link below the form.",
}


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture and its media type."""

    content: bytes = field(repr=False)
    kind: str


@dataclass(frozen=True, slots=True)
class Brand:
    """The look of a Page's sign-in pages; what is empty is left to the templates."""

    name: str = ""
    colour: str = ""
    logo: Logo | None = None
    # Which link it is, and its address.
    help_links: tuple[tuple[str, str], ...] = ()
    texts_by_language: Mapping[str, Texts] = field(default_factory=dict)

    def texts_in(self, language: str) -> Texts:
        """Return the business's own texts in *language*, never those in another one."""
        return self.texts_by_language.get(language, NO_TEXTS)

    @property
    def stylesheet(self) -> str:
        """Return the CSS that sets the colour."""
        return f":root {{ --accent: {self.colour}; }}\n" if self.colour else ""

    @property
    def digest(self) -> str:
        """Return a hash of logo and colour, which browsers cache under it."""
        logo = self.logo.content if self.logo else b""
        return sha256(self.stylesheet.encode() + b"\0" + logo).hexdigest()[:16]


PLAIN: Final = Brand()


def read_brand(table: object, texts: object = None, languages: Languages = ALL) -> Brand:
    """Return the brand that the TOML tables *table* and *texts* describe; either may be missing.

    Raises:
        SettingError: A table has an unknown key or an unusable value.
    """
    brand, own = _table(table), read_texts(texts, languages)
    for name in ("help", "sign_up"):
        is_said = any(getattr(words, name) for words in own.values())
        if is_said and f"{name}_url" not in brand:
            raise SettingError(f"texts: {name} says what a link does, and brand has no {name}_url")
    return Brand(
        name=brand.get("name", ""),
        colour=_colour(brand.get("colour", "")),
        logo=_logo(brand["logo"]) if "logo" in brand else None,
        help_links=_links(brand),
        texts_by_language=own,
    )


def _table(table: object) -> dict[str, str]:
    if table is None:
        return {}
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise SettingError("brand must be a table of texts")
    if unknown := sorted(table.keys() - BRAND_KEYS.keys()):
        known = ", ".join(sorted(BRAND_KEYS))
        raise SettingError(f"brand has no key {', '.join(unknown)}: its keys are {known}")
    return table


def _colour(text: str) -> str:
    # It is written into a stylesheet, so nothing else may pass.
    if text and not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        raise SettingError('brand: colour must look like "#1a7f4b"')
    return text


def _logo(path: str) -> Logo:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_LOGO_BYTES + 1)
    except OSError:
        raise SettingError("brand: logo cannot be read") from None
    kind = next((kind for start, kind in _MEDIA_TYPES.items() if content.startswith(start)), None)
    if kind is None or len(content) > MOST_LOGO_BYTES:
        raise SettingError(
            f"brand: logo must be PNG, JPEG or WebP, {MOST_LOGO_BYTES // 1024} KiB at most"
        )
    return Logo(content, kind)


def _links(table: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    named = ((name, table.get(f"{name}_url")) for name in ("help", "sign_up"))
    links = tuple((name, url) for name, url in named if url is not None)
    for _, url in links:
        scheme, separator, rest = url.partition("://")
        try:
            origin(f"{scheme}{separator}{rest.partition('/')[0]}")
        except SettingError:
            raise SettingError("brand: help_url and sign_up_url must be web addresses") from None
        if scheme != "https" or not url.isprintable() or " " in url:
            raise SettingError("brand: help_url and sign_up_url must be https")
    return links
