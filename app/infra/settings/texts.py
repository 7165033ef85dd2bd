"""A business's own texts on its sign-in page: the tables `texts` of PAGES_FILE, by language."""

from dataclasses import dataclass
from typing import Final

from app.infra.settings.languages import Languages, by_language
from app.infra.settings.parsing import SettingError, one_line

MOST_TEXT: Final = 200
# The keys of the table, and their meanings for docs/settings.md.
TEXT_KEYS: Final = {
    "title": "The heading of the sign-in page.",
    "intro": "The sentence below the heading.",
    "username": "The label of the first field.",
    "help": "The label of the link to `help_url`.",
    "sign_up": "The label of the link to `sign_up_url`.",
    "connected": "The last sentence, when the person has connected.",
}


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of the business's own in one language; where one is empty, ours is shown.

    The question on the confirm page, its warning and its buttons are not among them: they protect
    against phishing.
    """

    title: str = ""
    intro: str = ""
    username: str = ""
    help: str = ""
    sign_up: str = ""
    connected: str = ""


NO_TEXTS: Final = Texts()


def read_texts(table: object, languages: Languages) -> dict[str, Texts]:
    """Return the texts of the TOML table *table* by language.

    A text that stands in no table of a language's name is in the first of *languages*.

    Raises:
        SettingError: An unknown key or language, or an unusable value.
    """
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise SettingError("texts must be a table of texts")
    plain = {key: text for key, text in table.items() if not isinstance(text, dict)}
    named = by_language({k: text for k, text in table.items() if isinstance(text, dict)}, languages)
    if plain and languages.first in named:
        raise SettingError(f"texts: those in {languages.first} are in two places")
    if plain:
        named[languages.first] = plain
    return {language: _texts(words) for language, words in named.items()}


def _texts(table: object) -> Texts:
    if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
        raise SettingError("texts must be a table of texts")
    if unknown := sorted(table.keys() - TEXT_KEYS.keys()):
        known = ", ".join(sorted(TEXT_KEYS))
        raise SettingError(f"texts has no key {', '.join(unknown)}: its keys are {known}")
    return Texts(**{name: _text(name, text) for name, text in table.items()})


def _text(name: str, text: str) -> str:
    try:
        return one_line(text, MOST_TEXT)
    except SettingError as exc:
        raise SettingError(f"texts: {name} {exc}") from None
