"""The OpenAPI 3.1 document, generated from the operations and their types."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

from app.linking.notices import NOTICES
from app.web.api.links import Id
from app.web.api.operations import PREFIX, Operation

VERSION: Final = "1"
_REFERENCE: Final = "#/components/schemas/{name}"


class Problem(Struct):
    """An error as in RFC 9457. `type` links to its meaning; `reference` is in the server's log."""

    type: str
    title: str
    status: int
    detail: str
    reference: str | None


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
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = PREFIX + re.sub(r"<(\w+)>", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schema_of)
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
            str(kind.__struct_config__.tag): {"post": _notice(schema_of[kind], str(kind.__doc__))}
            for kind in NOTICES
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
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
        described["requestBody"] = {"required": True, "content": _json(schema_of[operation.body])}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(Id)}
        for name in re.findall(r"<(\w+)>", operation.path)
    ]
    if operation.query is None:
        return in_path
    schemas = msgspec.json.schema_components([operation.query])[1]
    described = schemas[operation.query.__name__]
    required = set(described.get("required", ()))
    return in_path + [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in described["properties"].items()
    ]


def _responses(operation: Operation, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any]
    if operation.answer is None:
        success = {"204": {"description": "Done; no content."}}
    else:
        success = {"200": {"description": "Done.", "content": _json(schema_of[operation.answer])}}
    problem = {"application/problem+json": {"schema": schema_of[Problem]}}
    return success | {
        str(status): {"description": HTTPStatus(status).phrase, "content": problem}
        for status in operation.problem_statuses
    }


def _notice(schema: Any, summary: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "description": "Posted to BOT_WEBHOOK_URL as a Standard Webhook, at least once.",
        "security": [],
        "requestBody": {"required": True, "content": _json(schema)},
        "responses": {"204": {"description": "Accepted. Any status other than 2xx is retried."}},
    }


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
