"""The identity that an authenticator proves, and rules for the texts that make it up."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

# Letters and symbols by category, but invisible (the Hangul fillers, the Braille blank): a name
# that begins with one would seem to begin with nothing.
_INVISIBLE: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Invisible, but part of names in Persian and in Indian scripts.
_JOINERS: Final = "\u200c\u200d"
# More than any name has; the normal form of a long heap of accents takes long.
_MOST_TYPED: Final = 1024
_MOST_MARKS: Final = 2
_LONGEST: Final = 255


@dataclass(frozen=True, slots=True)
class Identity:
    """The result of a sign-in: a user is an *issuer* and a *subject* (R58).

    *subject* is never reused within *issuer*; *display_name* is for pages, and already masked.
    *known_as* are names by which operators may look for the user: nobody vouches for them.
    """

    issuer: str
    subject: str
    display_name: str
    # Of the built-in accounts: when the password that proved it was set. One that has been set
    # since makes the proof worthless.
    password_set_at: datetime | None = field(default=None, compare=False)
    known_as: tuple[str, ...] = field(default=(), compare=False, repr=False)


def masked(name: str) -> str:
    """Return *name* masked: its owner recognises it, and another person learns little from it.

    ``jane@example.com`` becomes ``j•••@example.com``, ``jane`` becomes ``j•••``, with as many dots
    for a short name as for a long one. Characters that affect the text around it (control
    characters, marks of writing direction) are removed. What follows the ``@`` stays only if it has
    the form of a domain: people choose names themselves, and one stands in questions to others.
    """
    local, at, domain = _visible(name).rpartition("@")
    if not at or not all(map(_is_of_domain, domain)) or not domain:
        local, at, domain = local + domain, "", ""
    return f"{_first_character(local)}•••{at}{domain}"


def as_subject(value: object) -> str | None:
    """Return *value* if it can be stored as a subject and compared byte for byte, else None."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or value != value.strip():
        return None
    return None if any(unicodedata.category(char)[0] == "C" for char in value) else value


def is_possible(text: str, longest: int) -> bool:
    """Return whether *text* is possible as a name or password: else nothing needs to be asked.

    It has 1 to *longest* characters, without NUL and lone surrogates, at which a receiver may cut
    the text.
    """
    has_invalid = any("\ud800" <= char <= "\udfff" or char == "\0" for char in text)
    return 0 < len(text) <= longest and not has_invalid


def is_possible_name(name: str, longest: int) -> bool:
    """Return whether *name* is possible as the name of an account elsewhere.

    It has no control, format or unassigned characters: many stores ignore them, so that a name with
    one would be another spelling of the name without it.
    """
    return is_possible(name, longest) and not any(
        unicodedata.category(char)[0] == "C" for char in name
    )


def meant_name(typed: str) -> str:
    """Return the name that *typed* means, for every authenticator, and to be shown again.

    Keyboards complete a word with a space, copied text brings marks that nobody sees, and East
    Asian keyboards type full width: none of it counts. The rest is as RFC 8265, 3.4.1, prepares a
    username: width mapping and NFC. Case stays, since there are stores in which it counts.
    """
    if len(typed) > _MOST_TYPED:
        return typed
    visible = (char for char in typed if char in _JOINERS or unicodedata.category(char) != "Cf")
    name = unicodedata.normalize("NFC", "".join(map(_of_usual_width, visible)))
    return name.strip().strip(_JOINERS).strip()


def comparable(name: str) -> str:
    """Return the form in which different spellings of *name* are equal."""
    # Case folding may undo the normal form, and the reverse, and both may add spaces.
    for _ in range(2):
        folded = unicodedata.normalize("NFKC", name).casefold()
        name = unicodedata.normalize("NFKC", folded).strip()
    return name


def _of_usual_width(char: str) -> str:
    kind, _, code = unicodedata.decomposition(char).partition(" ")
    return chr(int(code, 16)) if kind in {"<wide>", "<narrow>"} else char


def _visible(text: str) -> str:
    """Return *text* without invisible characters.

    Stricter than `clean_name` of app.messenger, which accounts do not import: blanks go as well,
    since the one character that the mask shows must be visible.
    """
    composed = unicodedata.normalize("NFC", text)
    visible = (" " if char.isspace() else char for char in composed if not _is_invisible(char))
    return "".join(visible).strip()


def _is_invisible(char: str) -> bool:
    # "C": control, format (bidi among them), surrogate, private, unassigned. A tab is a space.
    return char in _INVISIBLE or (unicodedata.category(char)[0] == "C" and not char.isspace())


def _is_of_domain(char: str) -> bool:
    """Return whether *char* may be part of a domain, in any script (RFC 5890, 2.3.2.1)."""
    return char.isalnum() or _is_mark(char) or char in ".-"


def _first_character(text: str) -> str:
    """Return the first letter of *text* with at most a few of its combining marks."""
    start = next((i for i, char in enumerate(text) if not _is_mark(char)), len(text))
    end = start + 1
    while end < len(text) and end - start <= _MOST_MARKS and _is_mark(text[end]):
        end += 1
    return text[start:end]


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"
