"""Operations of the API: the row that describes one, and how Flask serves it.

The OpenAPI document is made from the same rows (`app.web.api.openapi`), so the two always agree.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from app.accounts.rate_limiter import RateLimited
from app.api_keys.service import Grant, KeyRefused, Scope
from app.infra.admission import Busy
from app.infra.database.writer import NotCommitted
from app.web.api import authentication
from app.web.exceptions import InputRefused, KeyExposed, ResourceNotFound, ScopeMissing
from app.web.problems.problem import Problem
from app.web.problems.table import problem_of_kind

T = TypeVar("T", bound=msgspec.Struct)

MOST_BODY: Final = 64 * 1024
# As wide as the columns.
LONGEST_ID: Final = 64
PREFIX: Final = "/api/v1"


# Errors that every operation may answer, and those of one that has a body.
_COMMON: Final = (
    InputRefused,
    KeyExposed,
    KeyRefused,
    ScopeMissing,
    RateLimited,
    # Any that nobody has foreseen.
    Exception,
    Busy,
    NotCommitted,
)
_OF_BODIES: Final = (RequestEntityTooLarge, UnsupportedMediaType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The call that the documentation shows; what it leaves out is made of the fields' examples."""

    query: Mapping[str, str] | None = None
    body: msgspec.Struct | None = None
    answer: msgspec.Struct | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method on a path. *view* is called with the grant, the path's parts, query and body."""

    method: str
    path: str
    name: str
    scope: Scope
    summary: str
    description: str
    view: Callable[..., msgspec.Struct | None]
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct] | None = None
    # With an answer: 201 where it has made something.
    status: HTTPStatus = HTTPStatus.OK
    # In addition to those that every operation may answer.
    errors: tuple[type[Exception], ...] = ()
    example: Example = field(default_factory=Example)

    @property
    def own_problems(self) -> tuple[Problem, ...]:
        """The problems that are of this operation in particular."""
        return _problems(self.errors)

    @property
    def common_problems(self) -> tuple[Problem, ...]:
        """The problems that every operation of its kind may answer."""
        return _problems((*_COMMON, *_OF_BODIES) if self.body else _COMMON)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem that this operation may answer."""
        return (*self.own_problems, *self.common_problems)


def problems_of(operations: Iterable[Operation]) -> tuple[Problem, ...]:
    """Return each problem that any of *operations* may answer, once, ordered by status."""
    every = {problem.name: problem for operation in operations for problem in operation.problems}
    return _sorted(every.values())


def _problems(errors: Iterable[type[Exception]]) -> tuple[Problem, ...]:
    return _sorted(problem_of_kind(error, in_api=True) for error in errors)


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: (problem.status, problem.name)))


def register(bp: Blueprint, operations: tuple[Operation, ...]) -> None:
    """Add a route for each of *operations* to *bp*."""
    for operation in operations:
        bp.add_url_rule(
            operation.path,
            endpoint=operation.name,
            view_func=_view_for(operation),
            methods=[operation.method],
        )


def _view_for(operation: Operation) -> Callable[..., ResponseReturnValue]:
    def serve(**ids: str) -> ResponseReturnValue:
        grant = authentication.authenticate(operation.scope)
        _check_ids(grant, ids)
        arguments: dict[str, Any] = dict(ids)
        if operation.query is not None:
            arguments["query"] = _query(operation.query)
        elif request.args:
            raise InputRefused("this operation takes no query")
        if operation.body is not None:
            arguments["body"] = _body(operation.body)
        answer = operation.view(grant, **arguments)
        if answer is None:
            return "", HTTPStatus.NO_CONTENT
        return Response(
            msgspec.json.encode(answer), status=operation.status, mimetype="application/json"
        )

    return serve


def _check_ids(grant: Grant, ids: Mapping[str, str]) -> None:
    for name, value in ids.items():
        if not value.isascii() or not value.isprintable() or len(value) > LONGEST_ID:
            raise ResourceNotFound
        if name == "page_id" and grant.page_id not in {None, value}:
            raise ResourceNotFound


def _query(kind: type[T]) -> T:
    parameters = request.args.to_dict(flat=False)
    if any(len(values) > 1 for values in parameters.values()):
        raise InputRefused("a parameter is given twice")
    single = {name: values[0] for name, values in parameters.items()}
    try:
        return msgspec.convert(single, kind, strict=False)
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
    return decoded(body, kind)


def decoded(body: bytes, kind: type[T]) -> T:
    """Return the JSON *body* as *kind*.

    Raises:
        InputRefused: It is not JSON, or does not match.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as exc:
        raise InputRefused(str(exc)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputRefused("not JSON") from None
