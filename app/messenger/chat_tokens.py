"""The texts by which a chat names an invitation: refs of m.me links, typed codes, button payloads.

A *ref* goes into an m.me link, whose alphabet is letters, digits and ``-_=`` (Meta, "m.me Links",
updated 2025-07-01). A *code* is eight characters of Crockford's base 32 (crockford.com/base32) with
two digits of 2 to 9 and two letters at least: no word and no telephone number is one, so that
ordinary messages cost nothing. Payloads of our buttons come back in postbacks and quick replies.
"""

import re
from typing import Final

REF_PREFIX: Final = "tli-"
CODE_LENGTH: Final = 8
# Without I, L, O and U.
CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

PAYLOAD_PREFIX: Final = "threadlink:"
YES: Final = f"{PAYLOAD_PREFIX}yes:"
NO: Final = f"{PAYLOAD_PREFIX}no:"
DISCONNECT: Final = f"{PAYLOAD_PREFIX}disconnect"

_REF: Final = re.compile(rf"{REF_PREFIX}[A-Za-z0-9_-]{{43}}")
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_LEAST_OF_EACH: Final = 2
_DIGITS: Final = frozenset("23456789")
_LOOKALIKES: Final = str.maketrans("OIL", "011")
# Put into a code by people, or copied with it: spaces, the hyphens of all keyboards, and the marks
# around a text of the other direction.
_BETWEEN: Final = re.compile(r"[\s\-\u2010-\u2015\u2066-\u2069]")


def is_ref(text: str) -> bool:
    """Return whether *text* has the form of a ref; there need be none like it."""
    return _REF.fullmatch(text) is not None


def is_nonce(text: str) -> bool:
    """Return whether *text* has the form of the nonce of a question."""
    return _NONCE.fullmatch(text) is not None


def shown(code: str) -> str:
    """Return *code* in two halves, as people read it: ``K7F2-M9QA``."""
    return f"{code[: CODE_LENGTH // 2]}-{code[CODE_LENGTH // 2 :]}"


def code_in(text: str) -> str | None:
    """Return the code that the whole of *text* is, in any spelling; None where it is none."""
    code = without_separators(text).upper().translate(_LOOKALIKES)
    return code if is_code(code) else None


def is_code(code: str) -> bool:
    """Return whether *code* is one, in the spelling in which it is compared."""
    if len(code) != CODE_LENGTH or any(char not in CODE_ALPHABET for char in code):
        return False
    letters = sum(char.isalpha() for char in code)
    return letters >= _LEAST_OF_EACH and sum(char in _DIGITS for char in code) >= _LEAST_OF_EACH


def without_separators(typed: str) -> str:
    """Return *typed* without what people put between characters."""
    return _BETWEEN.sub("", typed)
