"""One call of the API: what it takes, what it answers, and the view that does it.

The document for the bot's author is made of this table, and so is the serving: what one says, the
other does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from app.api_keys.service import Grant, Scope
from app.web.api import authentication
from app.web.exceptions import InputRefused, ResourceNotFound

T = TypeVar("T", bound=msgspec.Struct)

MOST_BODY: Final = 64 * 1024
PREFIX: Final = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method on one path. *view* gets the grant, the parts of the path, query and body."""

    method: str
    path: str
    name: str
    scope: Scope
    summary: str
    words: str
    view: Callable[..., msgspec.Struct | None]
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct] | None = None
    # Beside those that every call may answer.
    problems: tuple[int, ...] = ()

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status this call may answer with a problem."""
        taken = (400, 413, 415) if self.body else (400,)
        return tuple(sorted({*taken, 401, 403, 429, 500, 503, *self.problems}))


def register(bp: Blueprint, operations: tuple[Operation, ...]) -> None:
    """Have *bp* serve each of *operations*."""
    for operation in operations:
        bp.add_url_rule(
            operation.path,
            endpoint=operation.name,
            view_func=_served(operation),
            methods=[operation.method],
        )


def _served(operation: Operation) -> Callable[..., ResponseReturnValue]:
    def serve(**ids: str) -> ResponseReturnValue:
        grant = authentication.granted(operation.scope)
        _check_ids(grant, ids)
        given: dict[str, Any] = dict(ids)
        if operation.query is not None:
            given["query"] = _query(operation.query)
        elif request.args:
            raise InputRefused("this call takes no query")
        if operation.body is not None:
            given["body"] = _body(operation.body)
        answer = operation.view(grant, **given)
        if answer is None:
            return "", HTTPStatus.NO_CONTENT
        return Response(msgspec.json.encode(answer), mimetype="application/json")

    return serve


def _check_ids(grant: Grant, ids: Mapping[str, str]) -> None:
    for name, value in ids.items():
        if not value.isascii() or not value.isprintable() or len(value) > 64:  # noqa: PLR2004 - the column's
            raise ResourceNotFound
        if name == "page_id" and grant.page_id not in {None, value}:
            raise ResourceNotFound


def _query(kind: type[T]) -> T:
    given = request.args.to_dict(flat=False)
    if any(len(values) > 1 for values in given.values()):
        raise InputRefused("a parameter stands twice")
    return _converted(kind, {name: values[0] for name, values in given.items()})


def _converted(kind: type[T], given: Mapping[str, str]) -> T:
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as exc:
        raise InputRefused(str(exc)) from None


def _body(kind: type[T]) -> T:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    if (request.content_length or 0) > MOST_BODY:
        raise RequestEntityTooLarge
    body = request.get_data(cache=False)
    if len(body) > MOST_BODY:
        raise RequestEntityTooLarge
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as exc:
        raise InputRefused(str(exc)) from None
    except (msgspec.DecodeError, RecursionError):
        raise InputRefused("no JSON") from None
