"""The Facebook Pages: PAGE_ID and PAGE_ACCESS_TOKEN, or the [[pages]] tables of PAGES_FILE."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from app.infra.settings.brands import PLAIN, Brand, page_name, read_brand
from app.infra.settings.invitations import username
from app.infra.settings.languages import ALL, Languages, languages_of
from app.infra.settings.parsing import SettingError, digits, read_file
from app.infra.settings.reader import Reader
from app.infra.settings.secret_values import copied_secret
from app.infra.settings.sign_in import Kinds, parse_authenticators

# Each key of a [[pages]] table, and its meaning for docs/settings.md.
KEYS: Final = {
    "id": "The ID of the Page: digits, in quotes. Required.",
    "name": "The name of the Page; it is shown if `brand.name` is not set.",
    "token": "The access token of the Page. This or `token_file` is required.",
    "token_file": "A file that contains the access token.",
    "username": "The name of the Page in its address at Facebook, in place of PAGE_USERNAME.",
    "authenticators": "The authenticators of this Page, in place of AUTHENTICATORS.",
    "languages": 'The languages of this Page, in place of LANGUAGES, such as `["de", "en"]`.',
    "brand": "A table: the name, colour, logo and links of the Page's sign-in pages.",
    "texts": "A table: texts of the sign-in pages in the Page's first language. Those in German "
    "are the table `[pages.texts.de]`.",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A Facebook Page on which people are linked."""

    id: str
    name: str
    token: str = field(repr=False)
    # Empty: the page has those of the setting AUTHENTICATORS.
    authenticators: tuple[str, ...] = ()
    languages: Languages = ALL
    brand: Brand = PLAIN
    # Empty: the links into the chat have the id.
    username: str = ""


@dataclass(frozen=True, slots=True)
class _Default:
    """The settings of all Pages, for what one does not say itself."""

    languages: Languages
    brand: Brand


def read_pages(
    reader: Reader, kinds: Kinds, languages: Languages, brand: Brand
) -> tuple[Page, ...]:
    """Return the Pages of PAGES_FILE, or the one of PAGE_ID and PAGE_ACCESS_TOKEN.

    They have the *languages* and the *brand* given, as far as they have none of their own.
    """
    path = reader.text("PAGES_FILE")
    if path is None:
        page_id = reader.required("PAGE_ID", digits)
        token = reader.required("PAGE_ACCESS_TOKEN", copied_secret)
        name = reader.optional("PAGE_USERNAME", username, "")
        return (Page(page_id, brand.name, token, (), languages, brand, name),)
    if reader.text("PAGE_ID") or reader.text("PAGE_ACCESS_TOKEN"):
        reader.errors.append("PAGES_FILE and PAGE_ID exclude each other")
    if reader.text("PAGE_USERNAME"):
        reader.errors.append("PAGE_USERNAME stands in the [[pages]] tables of PAGES_FILE")
    default = _Default(languages, brand)
    return reader.optional("PAGES_FILE", lambda path: _pages_in_file(path, kinds, default), ())


def _pages_in_file(path: str, kinds: Kinds, default: _Default) -> tuple[Page, ...]:
    try:
        tables = tomllib.loads(read_file(path)).get("pages")
    except tomllib.TOMLDecodeError as exc:
        # The rest of the message may quote the file, which may hold tokens.
        place = re.search(r"\(at [a-z0-9, ]+\)$", str(exc))
        where = f" {place.group()}" if place else ""
        raise SettingError(f"names a file that cannot be read as TOML{where}") from None
    if not isinstance(tables, list) or not tables:
        raise SettingError("names a file without a [[pages]] table")
    pages = tuple(_page(table, number, kinds, default) for number, table in enumerate(tables, 1))
    if len({page.id for page in pages}) < len(pages):
        raise SettingError("names a page twice")
    return pages


def _page(table: Mapping[str, object], number: int, kinds: Kinds, default: _Default) -> Page:
    page_id, name, token = (table.get("id", ""), table.get("name", ""), table.get("token", ""))
    if isinstance(path := table.get("token_file"), str):
        try:
            token = read_file(path).strip()
        except SettingError as exc:
            raise SettingError(f"page {number}: token_file {exc}") from None
    names = _authenticators(table.get("authenticators"), number, kinds)
    languages, brand = _looks(table, number, default)
    address = _username(table.get("username", ""), number)
    match page_id, name, token:
        case str(page_id), str(name), str(token) if page_id.isascii() and page_id.isdigit():
            return Page(
                page_id,
                name or brand.name,
                _token(token, number),
                names,
                languages,
                brand,
                address,
            )
        case _:
            raise SettingError(
                f"page {number}: id (digits, in quotes), name and token must be text"
            )


def _token(text: str, number: int) -> str:
    if not text:
        raise SettingError(f"page {number}: neither token nor token_file")
    try:
        return copied_secret(text)
    except SettingError as exc:
        raise SettingError(f"page {number}: token {exc}") from None


def _username(given: object, number: int) -> str:
    if not isinstance(given, str):
        raise SettingError(f"page {number}: username must be text")
    try:
        return username(given) if given else ""
    except SettingError as exc:
        raise SettingError(f"page {number}: username {exc}") from None


def _looks(table: Mapping[str, object], number: int, default: _Default) -> tuple[Languages, Brand]:
    try:
        languages, brand = languages_of(table.get("languages"), default.languages), default.brand
        if isinstance(name := table.get("name"), str) and name:
            brand = replace(brand, name=_named(name))
        return languages, read_brand(table.get("brand"), table.get("texts"), languages, brand)
    except SettingError as exc:
        raise SettingError(f"page {number}: {exc}") from None


def _named(name: str) -> str:
    try:
        return page_name(name)
    except SettingError as exc:
        raise SettingError(f"name {exc}") from None


def _authenticators(names: object, number: int, kinds: Kinds) -> tuple[str, ...]:
    if names is None:
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingError(f"page {number}: authenticators must be a list of text")
    try:
        return parse_authenticators(" ".join(names), kinds)
    except SettingError as exc:
        raise SettingError(f"page {number}: authenticators {exc}") from None
