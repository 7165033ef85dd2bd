"""The head of a request: checked and counted before anything of it is parsed (R45, R88, R90)."""

import re
from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from app.web.server.limits import Limits, Refused

Scope: TypeAlias = MutableMapping[str, Any]
Headers: TypeAlias = list[tuple[bytes, bytes]]

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
    headers: Headers = scope["headers"]
    _check_fields(headers, limits)
    return _length(headers)


def _check_target(path: bytes, query: bytes, limits: Limits) -> None:
    if len(path) + len(query) > limits.target_bytes:
        raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "target too long")
    if not _PATH.fullmatch(path):
        raise Refused(HTTPStatus.BAD_REQUEST, "target")
    if query.count(b"&") >= limits.parameters:
        raise Refused(HTTPStatus.BAD_REQUEST, "too many parameters")


def _check_fields(headers: Headers, limits: Limits) -> None:
    if len(headers) > limits.fields or sum(map(_size, headers)) > limits.head_bytes:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head too large")
    # WSGI maps "-" and "_" to the same character, so one header could pass for another.
    for name, _ in headers:
        if b"_" in name:
            header = name.decode("latin-1")
            raise Refused(HTTPStatus.BAD_REQUEST, "underscore in a name", header)
    hosts = values_of(headers, b"host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise Refused(HTTPStatus.BAD_REQUEST, "host", "Host")
    if any(value.lower() != b"100-continue" for value in values_of(headers, b"expect")):
        raise Refused(HTTPStatus.EXPECTATION_FAILED, "expectation", "Expect")
    if sum(1 + value.count(b";") for value in values_of(headers, b"cookie")) > limits.cookies:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too many cookies", "Cookie")


def _length(headers: Headers) -> int | None:
    lengths = values_of(headers, b"content-length")
    codings = values_of(headers, b"transfer-encoding")
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


def _size(header: tuple[bytes, bytes]) -> int:
    return len(header[0]) + len(header[1])
