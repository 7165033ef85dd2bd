import unicodedata
from dataclasses import dataclass
from typing import Final

# Letters and symbols by class, and yet nothing is seen of them (the fillers of Hangul, a blank of
# Braille): a name that begins with one would seem to begin with nothing.
_UNSEEN: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_MOST_MARKS: Final = 2
_LONGEST: Final = 255


@dataclass(frozen=True, slots=True)
class Identity:
    """What an authenticator vouches for; the only thing of accounts that other rooms see.

    *subject* is never reused within *issuer*; *display_name* is for pages, and already masked.
    """

    issuer: str
    subject: str
    display_name: str


def masked(name: str) -> str:
    """Return of *name* what its owner recognises and a stranger learns little from.

    ``jane@example.com`` becomes ``j•••@example.com``, ``jane`` becomes ``j•••``. As many dots for a
    short name as for a long one. What would steer the text around it (control characters, marks of
    writing direction) is gone.
    """
    local, at, domain = _visible(name).rpartition("@")
    if not at or not domain:
        local, at, domain = local + domain, "", ""
    return f"{_first_character(local)}•••{at}{domain}"


def as_subject(value: object) -> str | None:
    """Return *value* if it can be a subject: text of ours to keep and to compare, byte for byte."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or value != value.strip():
        return None
    return None if any(unicodedata.category(char)[0] == "C" for char in value) else value


def is_possible(text: str, longest: int) -> bool:
    """Tell whether anybody can have *text* for a name or password; who is asked is spared others.

    Half a surrogate pair and NUL are no characters: what receives them may cut the text there.
    """
    no_characters = any("\ud800" <= char <= "\udfff" or char == "\0" for char in text)
    return 0 < len(text) <= longest and not no_characters


def comparable(name: str) -> str:
    """Return the form in which two ways to write *name* are the same."""
    # Folding may undo the normal form, the normal form the folding, and both may make spaces.
    for _ in range(2):
        folded = unicodedata.normalize("NFKC", name).casefold()
        name = unicodedata.normalize("NFKC", folded).strip()
    return name


def _visible(text: str) -> str:
    """Return *text* without invisible characters.

    Stricter than `clean_name` of app.messenger, which accounts do not import: blanks go as well,
    since the one character that the mask shows must be visible.
    """
    composed = unicodedata.normalize("NFC", text)
    kept = (" " if char.isspace() else char for char in composed if not _is_unseen(char))
    return "".join(kept).strip()


def _is_unseen(char: str) -> bool:
    # "C": control, format (bidi among them), surrogate, private, unassigned. A tab is a space.
    return char in _UNSEEN or (unicodedata.category(char)[0] == "C" and not char.isspace())


def _first_character(text: str) -> str:
    """Return the first letter of *text* with the marks on it, a few at most."""
    start = next((i for i, char in enumerate(text) if not _is_mark(char)), len(text))
    end = start + 1
    while end < len(text) and end - start <= _MOST_MARKS and _is_mark(text[end]):
        end += 1
    return text[start:end]


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"
