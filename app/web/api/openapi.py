"""The OpenAPI 3.1 document, generated from the operations and their types."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct, structs

from app.linking.link_object import LinkObject, PageIdField, PsidField, SubjectField
from app.linking.notices import NOTICES, Notice, Removed
from app.web.api.link_shapes import ID
from app.web.api.operations import PREFIX, Operation
from app.web.api.samples import example_of, sample, samples_by_name
from app.web.problems.problem import Problem as KnownProblem

VERSION: Final = "1"
_REFERENCE: Final = "#/components/schemas/{name}"
# The parts of paths, by their names there.
_IN_PATHS: Final[Mapping[str, Any]] = {
    "page_id": Annotated[PageIdField, ID],
    "psid": Annotated[PsidField, ID],
    "invitation_id": Annotated[
        str,
        ID,
        Meta(description="The invitation.", examples=["Xq3m97d2kV8rT0pLw5Yb1A"]),
    ],
    "subject": Annotated[SubjectField, ID],
    "reference": Annotated[
        str,
        ID,
        Meta(
            description="What the person saw at the foot of a page.",
            examples=["q3m9-7d2k"],
        ),
    ],
}


class Problem(Struct):
    """An error as in RFC 9457. `type` links to its meaning; `reference` is in the server's log."""

    type: Annotated[
        str,
        Meta(
            description="Which error it is, as the address of its explanation on this server. "
            "Programs decide by this.",
            examples=["/api/docs#not_found"],
        ),
    ]
    title: Annotated[str, Meta(description="The error in short.", examples=["Not found"])]
    status: Annotated[int, Meta(description="The HTTP status once more.", examples=[404])]
    detail: Annotated[
        str,
        Meta(
            description="A sentence for whoever writes or runs the program.",
            examples=[
                "There is no such link, account or page, or this API key is for another page."
            ],
        ),
    ]
    reference: Annotated[
        str | None,
        Meta(
            description="What the operator finds this answer by in the server’s log; null if "
            "nothing was logged.",
            examples=["7tqk-20xc"],
        ),
    ]


def document_json(operations: Sequence[Operation]) -> bytes:
    """Return the document as JSON."""
    return msgspec.json.format(msgspec.json.encode(document(operations)), indent=2)


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the document: *operations*, their types, and the notices that the bot gets."""
    types: list[type[Struct]] = [Problem, *NOTICES]
    for operation in operations:
        types += [kind for kind in (operation.body, operation.answer) if kind is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    schema_of = dict(zip(types, schemas, strict=True))
    for name, properties in samples_by_name(types).items():
        for field, value in properties.items():
            components[name]["properties"][field].setdefault("examples", [value])
    for kind in NOTICES:
        # The tag is no field of the struct, where it could be described.
        components[kind.__name__]["properties"]["type"]["description"] = "Which notice it is."
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(path_of(operation), {})[operation.method.lower()] = _operation(
            operation, schema_of
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Threadlink",
            "version": VERSION,
            "description": "Tells which user of the business a Messenger person is. Times are RFC "
            "3339 in UTC. A PSID identifies a person on one page only.",
        },
        "security": [{"key": []}],
        "paths": paths,
        "webhooks": {
            str(kind.__struct_config__.tag): {"post": _notice(kind, schema_of[kind])}
            for kind in NOTICES
        },
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made by `threadlink keys create`.",
                }
            },
        },
    }


def _operation(operation: Operation, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"{operation.description}\n\nScope: `{operation.scope}`.",
        "parameters": _parameters(operation),
        "responses": _responses(operation, schema_of),
    }
    if operation.body is not None:
        shown = operation.example.body or sample(operation.body)
        content = _json(schema_of[operation.body], shown)
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    in_path = [
        _parameter(name, "path", msgspec.json.schema(_IN_PATHS[name]), is_required=True)
        for name in re.findall(r"<(\w+)>", operation.path)
    ]
    if operation.query is None:
        return in_path
    schemas = msgspec.json.schema_components([operation.query])[1]
    described = schemas[operation.query.__name__]
    required = set(described.get("required", ()))
    return in_path + [
        _parameter(name, "query", schema, is_required=name in required)
        for name, schema in described["properties"].items()
    ]


def _parameter(name: str, place: str, schema: Any, *, is_required: bool) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": is_required,
        "description": schema["description"],
        "schema": schema,
    }


def path_of(operation: Operation) -> str:
    """Return the path of *operation* as the document writes it."""
    return PREFIX + re.sub(r"<(\w+)>", r"{\1}", operation.path)


def example_path(operation: Operation) -> str:
    """Return the path of *operation* with the examples of its parts."""
    return PREFIX + re.sub(r"<(\w+)>", lambda part: example_of(_IN_PATHS[part[1]]), operation.path)


def _responses(operation: Operation, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any]
    if operation.answer is None:
        success = {"204": {"description": "Done; no content."}}
    else:
        shown = operation.example.answer or sample(operation.answer)
        content = _json(schema_of[operation.answer], shown)
        success = {str(operation.status.value): {"description": "Done.", "content": content}}
    by_status: dict[int, list[KnownProblem]] = {}
    for problem in operation.problems:
        by_status.setdefault(problem.status, []).append(problem)
    return success | {
        str(status): _problem(status, problems, schema_of[Problem])
        for status, problems in sorted(by_status.items())
    }


def _problem(status: int, problems: Iterable[KnownProblem], schema: Any) -> dict[str, Any]:
    examples = {
        problem.name: {"summary": str(problem.title), "value": problem_example(problem)}
        for problem in problems
    }
    content = {"application/problem+json": {"schema": schema, "examples": examples}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def problem_example(problem: KnownProblem) -> dict[str, Any]:
    """Return what is answered with *problem*, in the order of the fields."""
    body = problem.by_rfc_9457(reference=sample(Problem).reference)
    return {name: body[name] for name in Problem.__struct_fields__}


def notice_example(kind: type[Notice]) -> Notice:
    """Return a notice of *kind*."""
    shown = sample(kind)
    if isinstance(shown, Removed):
        ended = structs.replace(sample(LinkObject), state="ended", version=8)
        return structs.replace(shown, data=ended)
    return shown


def _notice(kind: type[Notice], schema: Any) -> dict[str, Any]:
    return {
        "summary": str(kind.__doc__),
        "description": "Posted to BOT_WEBHOOK_URL as a Standard Webhook, at least once.",
        "security": [],
        "requestBody": {"required": True, "content": _json(schema, notice_example(kind))},
        "responses": {"204": {"description": "Accepted. Any status other than 2xx is retried."}},
    }


def _json(schema: Any, example: Struct) -> dict[str, Any]:
    return {"application/json": {"schema": schema, "example": msgspec.to_builtins(example)}}
