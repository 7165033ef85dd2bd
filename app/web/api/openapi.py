"""The OpenAPI 3.1 document, made of the calls and of their types, so that it cannot drift."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

from app.linking.notices import Created, RefusedLink, Removed, Replaced
from app.web.api.links import Id
from app.web.api.operations import PREFIX, Operation

VERSION: Final = "1"
_NOTICES: Final = {
    "link.created": (Created, "Somebody has connected."),
    "link.replaced": (Replaced, "Somebody has connected to another user than before."),
    "link.removed": (Removed, "A connection has ended."),
    "link.refused": (RefusedLink, "A connection was not made; cause says why."),
}
_REFERENCE: Final = "#/components/schemas/{name}"


class Problem(Struct):
    """RFC 9457. *type* leads to what this kind of problem means, *reference* to our log."""

    type: str
    title: str
    status: int
    detail: str
    reference: str | None


def document_json(operations: Sequence[Operation]) -> bytes:
    """Return the document as it is served."""
    return msgspec.json.format(msgspec.json.encode(document(operations)), indent=2)


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return what every call takes and answers, and what the bot is told."""
    types = [Problem, *(kind for kind, _ in _NOTICES.values())]
    for operation in operations:
        types += [kind for kind in (operation.body, operation.answer) if kind is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    known = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = PREFIX + re.sub(r"<(\w+)>", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Threadlink",
            "version": VERSION,
            "description": "Which user of the business is this Messenger person? Times are RFC "
            "3339 in UTC. A PSID means nothing without its page.",
        },
        "security": [{"key": []}],
        "paths": paths,
        "webhooks": {
            name: {"post": _notice(known[kind], words)} for name, (kind, words) in _NOTICES.items()
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation, known: Mapping[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"{operation.words}\n\nScope: `{operation.scope}`.",
        "parameters": _parameters(operation),
        "responses": _responses(operation, known),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(known[operation.body])}
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


def _responses(operation: Operation, known: Mapping[Any, Any]) -> dict[str, Any]:
    done: dict[str, Any]
    if operation.answer is None:
        done = {"204": {"description": "Done; nothing to say."}}
    else:
        done = {"200": {"description": "Done.", "content": _json(known[operation.answer])}}
    problem = {"application/problem+json": {"schema": known[Problem]}}
    return done | {
        str(status): {"description": HTTPStatus(status).phrase, "content": problem}
        for status in operation.statuses
    }


def _notice(schema: Any, words: str) -> dict[str, Any]:
    return {
        "summary": words,
        "description": "Posted to BOT_WEBHOOK_URL as a Standard Webhook, at least once.",
        "security": [],
        "requestBody": {"required": True, "content": _json(schema)},
        "responses": {"204": {"description": "Taken. Anything but 2xx is tried again."}},
    }


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
