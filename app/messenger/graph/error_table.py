"""Look-up in the one table of Graph's errors: from code, subcode and call to a row.

A subcode counts like a code: thread control is listed as 2018300, and comes as 10 with that
subcode (github.com/davidchua/pymessenger/issues/93).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.messenger.errors import GraphError, GraphUnavailable, GraphUnreachable, TokenDead
from app.messenger.graph.error_rows import ROWS
from app.messenger.graph.meanings import CONSEQUENCES, ErrorRow, Meaning

NOT_LISTED: Final = ErrorRow(0, None, Meaning.UNKNOWN, "Graph gives a code that is not listed.", "")
NO_ANSWER: Final = ErrorRow(0, None, Meaning.TRANSIENT, "There was no usable answer.", "")
UNREACHED: Final = ErrorRow(0, None, Meaning.WAY_OUT, "Graph was not reached.", "")
# Of an answer about another Page, which has no code.
OTHER_PAGE: Final = ErrorRow(0, None, Meaning.TOKEN, "The token is another Page's.", "")
_NOT_ASKED: Final = ErrorRow(0, None, Meaning.UNKNOWN, "Graph was not asked.", "")

# Messenger's own numbers, each of one meaning whatever code it comes with.
_FIRST_DETAIL: Final = 1_000_000
# A code of these says enough: no subcode changes it, unless the two are listed together.
_DECIDED_BY_CODE: Final = {Meaning.LINKING_TOKEN, Meaning.TOKEN, Meaning.RATE_LIMIT}
# In the calls that ask for a name these mean only that it is not shown (R17).
_ASKS_A_NAME: Final = {"profile_name", "conversations"}
_WITHHELD: Final = {Meaning.PERSON, Meaning.PERMISSION, Meaning.REGION}
# What is_transient changes: true to `TRANSIENT`.
_NOT_CERTAIN: Final = {Meaning.UNKNOWN, Meaning.REQUEST, Meaning.PERMISSION}

_BY_KEY: Final[Mapping[tuple[int, int | None, str | None], ErrorRow]] = {
    (code, row.subcode, row.call): row
    # Ranges first, so that a row of its own replaces that of the range.
    for row in sorted(ROWS, key=lambda row: row.last is None)
    for code in range(row.code, (row.last or row.code) + 1)
}
# Of several rows with the same detail the first counts.
_DETAILS: Final[Mapping[int, ErrorRow]] = {
    row.subcode: row
    for row in reversed(ROWS)
    if row.subcode is not None and row.subcode >= _FIRST_DETAIL
}
_MEANINGS: Final = {CONSEQUENCES[meaning].error: meaning for meaning in Meaning}


def row_of(
    code: int,
    subcode: int | None = None,
    call: str | None = None,
    *,
    is_transient: bool | None = None,
) -> ErrorRow:
    """Return the row of an error with which Graph answered *call*.

    It is of `Meaning.UNKNOWN` if none is listed. *is_transient* is Graph's own word, if it gave
    one, and believed in both directions. Without *call* the row is that of any other call.
    """
    row = _listed(code, subcode, call)
    if row.meaning is Meaning.TRANSIENT and is_transient is False:
        return _meaning(row, Meaning.UNKNOWN)
    if row.meaning in _NOT_CERTAIN and is_transient:
        return _meaning(row, Meaning.TRANSIENT)
    if row.meaning in _WITHHELD and call in _ASKS_A_NAME:
        return _meaning(row, Meaning.NAME)
    return row


def row_of_error(error: GraphError) -> ErrorRow:
    """Return the row that explains *error*; its class knows more than its code alone."""
    if isinstance(error, GraphUnreachable):
        return replace(UNREACHED, own_fix=error.fix or None)
    if error.code is not None:
        row = _listed(error.code, error.subcode, error.call)
    elif isinstance(error, TokenDead):
        row = OTHER_PAGE
    else:
        row = NO_ANSWER if isinstance(error, GraphUnavailable) else _NOT_ASKED
    if row.error is type(error):
        return row
    return _meaning(row, _MEANINGS.get(type(error), Meaning.UNKNOWN))


def _listed(code: int, subcode: int | None, call: str | None) -> ErrorRow:
    both = _BY_KEY.get((code, subcode, call)) or _BY_KEY.get((code, subcode, None))
    if both is not None:
        return both
    by_code = _BY_KEY.get((code, None, call)) or _BY_KEY.get((code, None, None))
    if by_code is not None and by_code.meaning in _DECIDED_BY_CODE:
        return by_code
    by_subcode = None if subcode is None else _DETAILS.get(subcode)
    return by_subcode or _DETAILS.get(code) or by_code or NOT_LISTED


def _meaning(row: ErrorRow, meaning: Meaning) -> ErrorRow:
    # The row's own fix is that of its own meaning.
    return replace(row, meaning=meaning, own_fix=None)
