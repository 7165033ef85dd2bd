"""The contents of the API's reference page: the OpenAPI document, arranged for reading."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import msgspec

from app.linking.notices import NOTICES, Notice
from app.web.api.openapi import (
    document,
    example_path,
    notice_example,
    path_of,
    problem_example,
)
from app.web.api.operations import Operation, problems_of
from app.web.api.samples import sample
from app.web.api.snippets import SampleCall, pretty, snippets_of
from app.web.problems.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field or parameter; *schema* is that of the document."""

    name: str
    schema: Mapping[str, Any]
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownObject:
    """An object and its fields; *base* is the object whose fields it has besides, if it has any."""

    name: str
    description: str
    fields: Sequence[Field]
    base: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An operation as the page shows it."""

    operation: Operation
    path: str
    parameters: Mapping[str, Sequence[Field]]
    # The objects that are not explained further up, the body's own first.
    body: Sequence[ShownObject]
    answer_name: str | None
    answer: Sequence[ShownObject]
    snippets: Mapping[str, str]
    status: int
    answered: str | None
    refused: Sequence[tuple[Problem, str]]
    also_refused: Sequence[Problem]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNotice:
    """A notice as the page shows it."""

    name: str
    summary: str
    objects: Sequence[ShownObject]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """All that the page says about calls, notices and errors."""

    origin: str
    document: Mapping[str, Any]
    calls: Sequence[Call]
    notices: Sequence[ShownNotice]
    problem: ShownObject
    problems: Sequence[tuple[Problem, Sequence[Operation]]]


def reference(operations: Sequence[Operation], origin: str) -> Reference:
    """Return the page's contents for the server at *origin*."""
    told = document(operations)
    objects = _Objects(told["components"]["schemas"])
    return Reference(
        origin=origin,
        document=told,
        problem=next(iter(objects.take("Problem"))),
        calls=[_call(operation, told, objects, origin) for operation in operations],
        notices=[_notice(kind, objects) for kind in NOTICES],
        problems=[
            (problem, [one for one in operations if problem in one.problems])
            for problem in problems_of(operations)
        ],
    )


class _Objects:
    """The objects of the document, of which each is shown once."""

    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._shown: list[str] = []

    def take(self, name: str) -> Iterator[ShownObject]:
        """Yield the object *name* and those that it holds, without any that was shown before."""
        if name in self._shown:
            return
        schema = self._schemas[name]
        base = self._base_of(name)
        inherited = self._schemas[base]["properties"] if base else {}
        self._shown.append(name)
        fields = _fields(schema)
        yield ShownObject(
            name=name,
            description=schema.get("description", ""),
            fields=[field for field in fields if field.name not in inherited],
            base=base,
        )
        for field in fields:
            for inner in _names_in(field.schema):
                yield from self.take(inner)

    def _base_of(self, name: str) -> str | None:
        """Return the largest object that was shown and all of whose fields *name* has as well."""
        mine = self._schemas[name]["properties"].items()
        bases = [
            other
            for other in self._shown
            if self._schemas[other]["properties"].items() <= mine
            and len(self._schemas[other]["properties"]) > 2  # noqa: PLR2004 - else it saves nothing
        ]
        return max(bases, key=lambda one: len(self._schemas[one]["properties"]), default=None)


def _call(operation: Operation, told: Mapping[str, Any], objects: _Objects, origin: str) -> Call:
    path = path_of(operation)
    described = told["paths"][path][operation.method.lower()]
    parameters = {
        place: [
            Field(name=one["name"], schema=one["schema"], is_required=one["required"])
            for one in described["parameters"]
            if one["in"] == place
        ]
        for place in ("path", "query")
    }
    body, answer = operation.body, operation.answer
    answered = answer and (operation.example.answer or sample(answer))
    return Call(
        operation=operation,
        path=path,
        parameters={place: fields for place, fields in parameters.items() if fields},
        body=list(objects.take(body.__name__)) if body else [],
        answer_name=answer.__name__ if answer else None,
        answer=list(objects.take(answer.__name__)) if answer else [],
        snippets=snippets_of(_sample_call(operation, origin)),
        status=operation.status if answer else HTTPStatus.NO_CONTENT,
        answered=pretty(msgspec.to_builtins(answered)) if answered else None,
        refused=[(one, pretty(problem_example(one))) for one in operation.own_problems],
        also_refused=operation.common_problems,
    )


def _sample_call(operation: Operation, origin: str) -> SampleCall:
    body = operation.body and (operation.example.body or sample(operation.body))
    return SampleCall(
        method=operation.method,
        url=f"{origin}{example_path(operation)}",
        query=operation.example.query or _required(operation.query),
        body=msgspec.to_builtins(body),
        is_silent=operation.answer is None,
    )


def _required(query: type[msgspec.Struct] | None) -> Mapping[str, str]:
    """Return the examples of the parameters that *query* cannot do without."""
    if query is None:
        return {}
    shown = sample(query)
    required = (field.name for field in msgspec.structs.fields(query) if field.required)
    return {name: str(getattr(shown, name)) for name in required}


def _notice(kind: type[Notice], objects: _Objects) -> ShownNotice:
    shown, *inner = objects.take(kind.__name__)
    return ShownNotice(
        name=str(kind.__struct_config__.tag),
        summary=shown.description,
        objects=[replace(shown, description=""), *inner],
        body=pretty(msgspec.to_builtins(notice_example(kind))),
    )


def _fields(schema: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(name=name, schema=field, is_required=name in required)
        for name, field in schema["properties"].items()
    ]


def _names_in(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the objects that *schema* refers to."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    for inner in (schema.get("items"), *schema.get("anyOf", ())):
        if inner:
            yield from _names_in(inner)
