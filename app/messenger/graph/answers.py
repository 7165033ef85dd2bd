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
    PermissionMissing,
)
from app.messenger.graph.error_table import row_of
from app.messenger.graph.words import words_of
from app.messenger.lenient_json import NotJson, read_json

# Refusals that the status of the answer may overrule.
_UNCERTAIN: Final = frozenset({GraphRefused, PermissionMissing})
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500

_OBJECT: Final = Decoder(dict[str, Any])
_TRACE_ID: Final = re.compile(r"[A-Za-z0-9/_+=-]{1,64}")


def decipher(status: int, content: bytes, call: str | None = None) -> dict[str, Any]:
    """Return the JSON object of a successful answer to *call*.

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
    raise _error_class(error, status, call)(
        _words(error),
        code=_integer(error["code"]),
        subcode=_integer(error.get("error_subcode")),
        trace_id=_trace_id(error.get("fbtrace_id")),
        status=status,
    )


def _error_class(error: dict[str, Any], status: int, call: str | None) -> type[GraphError]:
    told = error.get("is_transient")
    is_transient = told if isinstance(told, bool) else None
    subcode = _integer(error.get("error_subcode"))
    chosen = row_of(error["code"], subcode, call, is_transient=is_transient).error
    if status == _TOO_MANY_REQUESTS and chosen in {*_UNCERTAIN, GraphUnavailable}:
        return GraphThrottled
    # Trouble on Meta's side, whatever the body says; but terms that wait for an admin stay so.
    if status >= _SERVER_ERROR and chosen in _UNCERTAIN and is_transient is not False:
        return GraphUnavailable
    return chosen


def _raise_unreadable(reason: str, status: int) -> NoReturn:
    error = GraphThrottled if status == _TOO_MANY_REQUESTS else GraphUnavailable
    raise error(reason, status=status) from None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _trace_id(value: Any) -> str | None:
    return value if isinstance(value, str) and _TRACE_ID.fullmatch(value) else None


def _words(error: dict[str, Any]) -> str:
    """Return the message, and the one that Meta writes for users, which often says more."""
    message = words_of(error.get("message"))
    texts = (words_of(error.get(f"error_user_{name}")) for name in ("title", "msg"))
    for_users = ": ".join(text for text in texts if text)
    return " / ".join(text for text in (message, for_users) if text) or "no reason given"
