"""Graph's parameters: from the query, a form or a JSON body, with JSON inside the first two."""

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request

from app.emulator.graph.problems import bad_parameter

_LONGEST_LITERAL = 20_000
_NEVER_CHANGE = {"access_token", "appsecret_proof", "appsecret_time", "pretty", "debug"}
_NESTED = re.compile(r"\{[^{}]*\}|\.[a-z]+\([^()]*\)")


class Params:
    """The parameters of one call."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        """Return a parameter as a string; None if it is absent or neither string nor integer."""
        value = self._values.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return value if isinstance(value, str) else None

    def structure(self, name: str) -> Any:
        """Return a parameter as a JSON value, parsed if it came as a string; None if absent.

        Raises:
            GraphProblem: It is a string that cannot be parsed.
        """
        value = self._values.get(name)
        return _read_object(value, name) if isinstance(value, str) else value

    def words(self, name: str) -> tuple[str, ...]:
        """Return a list of strings: from a JSON list, or from a string with commas."""
        value = self._values.get(name)
        if isinstance(value, str) and value.lstrip().startswith("["):
            value = _read_object(value, name)
        if isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, list):
            return ()
        return tuple(word.strip() for word in value if isinstance(word, str) and word.strip())

    def fields(self) -> tuple[str, ...]:
        """Return the names of the fields that are asked for, without modifiers and subfields.

        https://developers.facebook.com/docs/graph-api/guides/field-expansion
        """
        asked = self._values.get("fields")
        if not isinstance(asked, str):
            return self.words("fields")
        # From the inside out: subfields may have some of their own.
        while (shorter := _NESTED.sub("", asked)) != asked:
            asked = shorter
        return tuple(name.strip() for name in asked.split(",") if name.strip())

    def has_alias(self) -> bool:
        """Tell whether a field is asked for under another name."""
        asked = self._values.get("fields")
        return isinstance(asked, str) and ".as(" in asked

    def changeable(self) -> set[str]:
        """Return the names of all parameters but those that authenticate, or that are ignored."""
        return set(self._values) - _NEVER_CHANGE


def read_params(request: Request) -> Params:
    """Return the parameters of *request*; the body takes precedence over the query.

    Raises:
        GraphProblem: The body has the content type of JSON, but is not a JSON object.
    """
    values: dict[str, Any] = dict(request.args)
    values.update(request.form)
    if request.is_json and (body := request.get_data()):
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            # The code is documented; the wording is ours.
            raise bad_parameter("The body of the request is not a JSON object.")
        values.update(content)
    return Params(values)


def _read_object(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass  # Meta's own examples also use single quotes: recipient={'id':'…'}
    try:
        literal = ast.literal_eval(text[:_LONGEST_LITERAL].strip())
        return json.loads(json.dumps(literal))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as exc:
        raise bad_parameter(f"Param {name} must be a JSON object.") from exc
