"""The head of a request: checked and counted before anything of it is parsed (R45, R88, R90)."""

import re
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from app.web.server.limits import Limits, Refused

Scope: TypeAlias = MutableMapping[str, Any]
Headers: TypeAlias = list[tuple[bytes, bytes]]

_Fields: TypeAlias = dict[bytes, list[bytes]]

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
# The one spelling of a path (RFC 3986, 6.2.2 and 6.2.3): no empty or dot segment, nothing encoded
# that need not be, no slash, backslash or control character in disguise. Werkzeug would serve the
# others as well, so that a proxy's rule for an exact path could be walked around.
_PATH: Final = re.compile(
    rb"/|(?:/(?!\.\.?(?:/|\Z))(?:[A-Za-z0-9._~!$&'()*+,;=:@-]"
    rb"|%(?:2[0-9A-Ca-c]|3[A-Fa-f]|40|5[BDEbde]|60|7[B-Db-d]|[89A-Fa-f][0-9A-Fa-f]))+)+/?"
)


def check_head(scope: Scope, limits: Limits) -> int | None:
    """Return the declared length of the body; None if the body is chunked.

    Raises:
        Refused: The head breaks a rule or one of *limits*.
    """
    if scope["method"] not in METHODS:
        raise Refused(HTTPStatus.NOT_IMPLEMENTED, "method")
    _check_target(scope["raw_path"], scope["query_string"], limits)
    headers = scope["headers"]
    if len(headers) > limits.fields:
        raise _too_large()
    fields = _by_name(headers, limits)
    _check_fields(fields, limits)
    return _length(fields)


def _check_target(path: bytes, query: bytes, limits: Limits) -> None:
    if len(path) + len(query) > limits.target_bytes:
        raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "target too long")
    if not _PATH.fullmatch(path):
        raise Refused(HTTPStatus.BAD_REQUEST, "target")
    if query.count(b"&") >= limits.parameters:
        raise Refused(HTTPStatus.BAD_REQUEST, "too many parameters")


def _by_name(headers: Headers, limits: Limits) -> _Fields:
    """Return the values of each field, whose names and size are checked."""
    fields: _Fields = {}
    size = 0
    for name, value in headers:
        # WSGI maps "-" and "_" to the same character, so one header could pass for another.
        if b"_" in name:
            raise Refused(HTTPStatus.BAD_REQUEST, "underscore in a name", name.decode("latin-1"))
        size += len(name) + len(value)
        fields.setdefault(name, []).append(value)
    if size > limits.head_bytes:
        raise _too_large()
    return fields


def _too_large() -> Refused:
    return Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head too large")


def _check_fields(fields: _Fields, limits: Limits) -> None:
    hosts = fields.get(b"host", ())
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise Refused(HTTPStatus.BAD_REQUEST, "host", "Host")
    if any(value.lower() != b"100-continue" for value in fields.get(b"expect", ())):
        raise Refused(HTTPStatus.EXPECTATION_FAILED, "expectation", "Expect")
    if sum(1 + value.count(b";") for value in fields.get(b"cookie", ())) > limits.cookies:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too many cookies", "Cookie")


def _length(fields: _Fields) -> int | None:
    lengths = fields.get(b"content-length", ())
    codings = fields.get(b"transfer-encoding", ())
    if codings:
        if lengths or [coding.lower() for coding in codings] != [b"chunked"]:
            raise Refused(HTTPStatus.BAD_REQUEST, "framing", "Transfer-Encoding")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Refused(HTTPStatus.BAD_REQUEST, "framing", "Content-Length")
    return int(lengths[0])


def values_of(headers: Headers, wanted: bytes) -> list[bytes]:
    """Return the values of all fields with the name *wanted*, which is in lower case."""
    return [value for name, value in headers if name == wanted]
