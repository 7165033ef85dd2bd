"""Meanings of Graph's errors: the one table from which their classes are chosen.

Codes and subcodes: developers.facebook.com, Messenger Platform "Error codes" (25 June 2026), Graph
API "Handling errors" and "Rate limiting". A subcode counts like a code: thread control comes as
10 with subcode 2018300 (github.com/davidchua/pymessenger/issues/93).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Meaning(StrEnum):
    """The subject of which an error speaks."""

    LINKING_TOKEN = "the account_linking_token"
    PERSON = "the person"
    WINDOW = "the person has to write first"
    PAGE = "the Page"
    TOKEN = "our token"
    PERMISSION = "our app and its permissions"
    RATE_LIMIT = "a rate limit"
    TRANSIENT = "temporary trouble"
    UNKNOWN = "unknown"


# Business use cases, each with its limit: "Rate limiting", table of error codes.
_BUSINESS_LIMITS: Final = range(80000, 80015)

_CODES: Final[Mapping[int, Meaning]] = {
    10303: Meaning.LINKING_TOKEN,
    551: Meaning.PERSON,
    **dict.fromkeys((102, 190), Meaning.TOKEN),
    **dict.fromkeys((4, 17, 32, 341, 368, 613, *_BUSINESS_LIMITS), Meaning.RATE_LIMIT),
    **dict.fromkeys((1, 2, 1200), Meaning.TRANSIENT),
    **dict.fromkeys((3, 10, 200, 210, 230, 283), Meaning.PERMISSION),
}
# Counted like codes, and more exact than the code beside them.
_DETAILS: Final[Mapping[int, Meaning]] = {
    **dict.fromkeys((1545041, 2018001), Meaning.PERSON),
    **dict.fromkeys((2018278, 2534022, 2018065, 2018108), Meaning.WINDOW),
    # Another app, or an automated flow, controls the thread for now.
    **dict.fromkeys((2018300, 2018321), Meaning.TRANSIENT),
    # Terms that an admin of the Page must accept; a restriction of the Page.
    **dict.fromkeys((2018344, 1893063), Meaning.PAGE),
}


def meaning_of(code: int, subcode: int | None, *, is_transient: bool | None) -> Meaning:
    """Return the meaning of an error; *is_transient* is Graph's own word, where it gave one."""
    by_code = _CODES.get(code, Meaning.UNKNOWN)
    if by_code in {Meaning.LINKING_TOKEN, Meaning.TOKEN, Meaning.RATE_LIMIT}:
        return by_code
    by_either = _DETAILS.get(code, by_code)
    meaning = by_either if subcode is None else _DETAILS.get(subcode, by_either)
    if meaning is Meaning.TRANSIENT and is_transient is False:
        return Meaning.UNKNOWN
    if meaning in {Meaning.UNKNOWN, Meaning.PERMISSION} and is_transient:
        return Meaning.TRANSIENT
    return meaning
