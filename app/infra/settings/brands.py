"""The brand of a Facebook Page: name, colour, logo, links and texts of its sign-in pages.

Read from settings such as BRAND_COLOUR, and from the tables `brand` and `texts` of PAGES_FILE,
which come before them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.infra.network.media_types import picture_type
from app.infra.settings.languages import ALL, Languages
from app.infra.settings.origins import origin
from app.infra.settings.palette import DEFAULT_COLOUR, Palette, palette_of
from app.infra.settings.parsing import SettingError, hex_colour, one_line
from app.infra.settings.reader import Reader
from app.infra.settings.texts import NO_TEXTS, Texts, read_texts

MOST_LOGO_BYTES: Final = 200 * 1024
# As many as the name of a Facebook Page has at most.
LONGEST_NAME: Final = 75
LONGEST_LINK: Final = 2000
# The keys of the table, and their meanings for docs/settings.md.
BRAND_KEYS: Final = {
    "name": f"The name of the business, {LONGEST_NAME} characters at most: in place of PAGE_NAME.",
    "colour": "The colour of the main button, such as `#1a7f4b`: in place of BRAND_COLOUR.",
    "logo": "The path of a picture: in place of BRAND_LOGO.",
    "privacy_url": "In place of PRIVACY_URL.",
    "terms_url": "In place of TERMS_URL.",
    "imprint_url": "In place of IMPRINT_URL.",
    "website_url": "In place of WEBSITE_URL.",
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
    """The look of a Page's sign-in pages, as far as the operator has set it."""

    name: str = ""
    colour: str = DEFAULT_COLOUR
    logo: Logo | None = None
    # At the foot of every page: "privacy", "terms" and "imprint", those that are set.
    links: Mapping[str, str] = field(default_factory=dict)
    website_url: str | None = None
    # Which link it is, and its address.
    help_links: tuple[tuple[str, str], ...] = ()
    texts_by_language: Mapping[str, Texts] = field(default_factory=dict)

    def texts_in(self, language: str) -> Texts:
        """Return the business's own texts in *language*, never those in another one."""
        return self.texts_by_language.get(language, NO_TEXTS)

    @property
    def palette(self) -> Palette:
        """The colours that follow from the brand's own."""
        return palette_of(self.colour)


PLAIN: Final = Brand()


def read_brand_settings(reader: Reader) -> Brand:
    """Return the brand of the settings, for every page that has none of its own."""
    links = {
        "privacy": reader.optional("PRIVACY_URL", web_link, None),
        "terms": reader.optional("TERMS_URL", web_link, None),
        "imprint": reader.optional("IMPRINT_URL", web_link, None),
    }
    return Brand(
        name=reader.optional("PAGE_NAME", page_name, ""),
        colour=reader.optional("BRAND_COLOUR", hex_colour, DEFAULT_COLOUR),
        logo=reader.optional("BRAND_LOGO", logo, None),
        links={key: url for key, url in links.items() if url is not None},
        website_url=reader.optional("WEBSITE_URL", web_link, None),
    )


def read_brand(
    table: object, texts: object = None, languages: Languages = ALL, default: Brand = PLAIN
) -> Brand:
    """Return the brand that the TOML tables *table* and *texts* describe; either may be missing.

    What they do not say is as in *default*.

    Raises:
        SettingError: A table has an unknown key or an unusable value.
    """
    brand, own_texts = _table(table), read_texts(texts, languages)
    for name in ("help", "sign_up"):
        is_said = any(getattr(words, name) for words in own_texts.values())
        if is_said and f"{name}_url" not in brand:
            raise SettingError(f"texts: {name} says what a link does, and brand has no {name}_url")
    own = {key: _parsed(key, value) for key, value in brand.items()}
    own_links = {key: own[f"{key}_url"] for key in LINKS if f"{key}_url" in own}
    return Brand(
        name=own.get("name", default.name),
        colour=own.get("colour", default.colour),
        logo=own.get("logo", default.logo),
        # In the order of `LINKS`, whoever has set which.
        links={key: url for key in LINKS if (url := {**default.links, **own_links}.get(key))},
        website_url=own.get("website_url", default.website_url),
        help_links=tuple(
            (name, own[f"{name}_url"]) for name in ("help", "sign_up") if f"{name}_url" in own
        ),
        texts_by_language=own_texts,
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


def _parsed(key: str, text: str) -> Any:
    try:
        return _PARSERS[key](text)
    except SettingError as exc:
        raise SettingError(f"brand: {key} {exc}") from None


def page_name(text: str) -> str:
    """Return *text*, which is the name of a business in one line."""
    return one_line(text, LONGEST_NAME)


def logo(path: str) -> Logo:
    """Return the picture in the file *path*."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_LOGO_BYTES + 1)
    except OSError:
        raise SettingError("cannot be read") from None
    kind = picture_type(content)
    if kind is None or len(content) > MOST_LOGO_BYTES:
        raise SettingError(f"must be PNG, JPEG or WebP, {MOST_LOGO_BYTES // 1024} KiB at most")
    return Logo(content, kind)


def web_link(text: str) -> str:
    """Return *text*, which is the https address of a page on the web."""
    scheme, separator, rest = text.partition("://")
    try:
        origin(f"{scheme}{separator}{rest.partition('/')[0]}")
    except SettingError:
        raise SettingError("must be a web address") from None
    if scheme != "https" or not text.isprintable() or " " in text or len(text) > LONGEST_LINK:
        raise SettingError("must be https")
    return text


# The links at the foot of every page, in their order.
LINKS: Final = ("privacy", "terms", "imprint")
_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "name": page_name,
    "colour": hex_colour,
    "logo": logo,
    **dict.fromkeys(("privacy_url", "terms_url", "imprint_url", "website_url"), web_link),
    **dict.fromkeys(("help_url", "sign_up_url"), web_link),
}
