"""Answers of Graph, read as a JSON object or as an error that says whether to retry."""

import re
from typing import Any, Final, NoReturn

import msgspec
from msgspec.json import Decoder

from app.messenger.errors import (
    GraphError,
    GraphRefused,
    GraphThrottled,
    GraphUnavailable,
    LinkingTokenRefused,
    PersonUnknown,
    TokenDead,
)
from app.messenger.lenient_json import NotJson, read_json

# Codes and subcodes: developers.facebook.com, Messenger Platform "Error codes" (25 June 2026) and
# Graph API "Handling errors".
_LINKING_TOKEN: Final = 10303
_TOKEN_DEAD: Final = {102, 190}
_ASKED_TO_WAIT: Final = {4, 17, 32, 341, 368, 613, 80006}
_TRANSIENT: Final = {1, 2, 1200, 2018300, 2018321}
_PERSON_GONE: Final = 551
_NOBODY: Final = {1545041, 2018001}
# A "temporary failure" that lasts until an admin of the Page accepts terms: no retry helps.
_TERMS_NOT_ACCEPTED: Final = 2018344

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500

_OBJECT: Final = Decoder(dict[str, Any])
_TRACE_ID: Final = re.compile(r"[A-Za-z0-9/_+=-]{1,64}")
# Graph may quote what it was sent. A word that is longer than this may be a token.
_LONGEST_WORD: Final = 24


def decipher(status: int, content: bytes) -> dict[str, Any]:
    """Return the JSON object of a successful answer.

    Raises:
        GraphUnavailable: The answer is unreadable, or an error that a retry may overcome.
        GraphRefused: The answer is an error that a retry will not overcome.
    """
    try:
        answer = read_json(_OBJECT, content)
    except (NotJson, msgspec.ValidationError):
        _raise_unreadable("no JSON object", status)
    error = answer.get("error")
    if error is None and status in range(200, 300):
        return answer
    if not isinstance(error, dict) or _integer(error.get("code")) is None:
        _raise_unreadable("no error object", status)
    raise _error_class(error, status)(
        _words(error.get("message")),
        code=_integer(error["code"]),
        subcode=_integer(error.get("error_subcode")),
        trace_id=_trace_id(error.get("fbtrace_id")),
        status=status,
    )


def _error_class(error: dict[str, Any], status: int) -> type[GraphError]:
    code, subcode = error["code"], error.get("error_subcode")
    if code == _LINKING_TOKEN:
        return LinkingTokenRefused
    if code in _TOKEN_DEAD:
        return TokenDead
    if code in _ASKED_TO_WAIT or status == _TOO_MANY_REQUESTS:
        return GraphThrottled
    if code == _PERSON_GONE or _integer(subcode) in _NOBODY:
        return PersonUnknown
    is_transient = error.get("is_transient") is True
    if (is_transient or code in _TRANSIENT or status >= _SERVER_ERROR) and (
        subcode != _TERMS_NOT_ACCEPTED
    ):
        return GraphUnavailable
    return GraphRefused


def _raise_unreadable(reason: str, status: int) -> NoReturn:
    error = GraphThrottled if status == _TOO_MANY_REQUESTS else GraphUnavailable
    raise error(reason, status=status) from None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _trace_id(value: Any) -> str | None:
    return value if isinstance(value, str) and _TRACE_ID.fullmatch(value) else None


def _words(message: Any) -> str:
    if not isinstance(message, str):
        return "no reason given"
    printable = "".join(char if char.isprintable() else " " for char in message)
    words = (
        word if len(word) <= _LONGEST_WORD and "://" not in word else "…"
        for word in printable.split()
    )
    return " ".join(words)[:200]
