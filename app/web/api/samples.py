"""Samples of the API's structs, made of the examples of their fields."""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

T = TypeVar("T", bound=msgspec.Struct)

# A person who is linked to nobody.
SOMEBODY_ELSE: Final = "9956217357730578"


def sample(kind: type[T], **changed: object) -> T:
    """Return a *kind* of which each field has its first example, but for those in *changed*."""
    described = inspect.type_info(kind)
    if not isinstance(described, inspect.StructType):
        raise TypeError(kind)
    return msgspec.convert({**_fields(described), **changed}, kind)


def example_of(kind: object) -> Any:
    """Return the first example of a field that is a *kind*."""
    return _value(inspect.type_info(kind), {})


def samples_by_name(kinds: Iterable[type[msgspec.Struct]]) -> dict[str, dict[str, Any]]:
    """Return the fields of a sample of each of *kinds*, and of each struct that these hold."""
    found: dict[str, dict[str, Any]] = {}
    waiting: list[inspect.Type] = list(inspect.multi_type_info(kinds))
    while waiting:
        match waiting.pop():
            case inspect.StructType() as described:
                found[described.cls.__name__] = _fields(described)
                waiting += [field.type for field in described.fields]
            case inspect.Metadata(type=inner) | inspect.ListType(item_type=inner):
                waiting.append(inner)
            case inspect.UnionType(types=inner_types):
                waiting += inner_types
    return found


def _fields(described: inspect.StructType) -> dict[str, Any]:
    return {field.encode_name: _value(field.type, {}) for field in described.fields} | (
        {described.tag_field: described.tag} if described.tag_field else {}
    )


def _value(described: inspect.Type, schema: dict[str, Any]) -> Any:
    """Return an example of *described*, to which *schema* belongs."""
    if "examples" in schema:
        return schema["examples"][0]
    match described:
        case inspect.Metadata():
            return _value(described.type, described.extra_json_schema or {})
        case inspect.StructType():
            return _fields(described)
        case inspect.ListType():
            return [_value(described.item_type, {})]
        case inspect.UnionType():
            return _value(described.types[0], {})
    raise TypeError(f"no example: {described}")
