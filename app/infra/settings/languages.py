"""The languages of the pages that a person reads: LANGUAGES, and `languages` in PAGES_FILE.

They are named as in `Accept-Language` (BCP 47).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.infra.settings.parsing import SettingError
from app.infra.settings.reader import Reader

# The language in which the texts are written in the code.
SOURCE: Final = "en"
# Those with a whole and reviewed catalogue (app/web/languages/catalogues): the tests hold that.
SHIPPED: Final = (
    SOURCE,
    *("ar", "bn", "de", "es", "fil", "fr", "he", "hi", "id", "it", "ja", "ko", "nl", "pl"),
    *("pt-BR", "th", "tr", "vi", "zh-Hans", "zh-Hant"),
)
# Made of the English, to see what is not translated or has too little room.
PSEUDO: Final = "en-XA"
_BY_LOWER: Final = {name.lower(): name for name in (*SHIPPED, PSEUDO)}


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages that a page offers; the first is used for a person who reads none of them."""

    offered: tuple[str, ...] = SHIPPED

    @property
    def first(self) -> str:
        """The language of texts that are not said to be in one."""
        return self.offered[0]

    @property
    def is_shown_to_all(self) -> bool:
        """True when every one of them is for people."""
        return PSEUDO not in self.offered


ALL: Final = Languages()


def read_languages(reader: Reader) -> Languages:
    """Return the languages of every page that does not choose its own."""
    return reader.optional("LANGUAGES", lambda text: _languages(text.split()), ALL)


def languages_of(value: object, default: Languages) -> Languages:
    """Return the languages that *value* lists, which stands in PAGES_FILE; None is *default*.

    Raises:
        SettingError: It is no list, or one of them is unknown.
    """
    if value is None:
        return default
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise SettingError('languages must be a list of text, such as ["de", "en"]')
    try:
        return _languages(value)
    except SettingError as exc:
        raise SettingError(f"languages {exc}") from None


def by_language(tables: Mapping[str, object], languages: Languages) -> dict[str, object]:
    """Return *tables* by the languages that their names mean.

    Raises:
        SettingError: A name is of no language, or of one that is not offered.
    """
    named: dict[str, object] = {}
    for name, table in tables.items():
        try:
            language = _language(name)
        except SettingError as exc:
            raise SettingError(f"texts: {name} is no language of the pages: {exc}") from None
        if language not in languages.offered:
            raise SettingError(f"texts: {language} is not among the languages of the page")
        if language in named:
            raise SettingError(f"texts: {language} is there twice")
        named[language] = table
    return named


def _languages(names: Sequence[str]) -> Languages:
    try:
        offered = tuple(_language(name) for name in names)
    except SettingError as exc:
        raise SettingError(f"must name languages of the pages: {exc}") from None
    if not offered:
        raise SettingError("must name a language")
    if len(set(offered)) < len(offered):
        raise SettingError("names a language twice")
    return Languages(offered)


def _language(name: str) -> str:
    if name.lower() not in _BY_LOWER:
        raise SettingError(f"they are {', '.join(SHIPPED)}")
    return _BY_LOWER[name.lower()]
