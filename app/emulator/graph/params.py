"""Parameters as Graph accepts them: in the query, as a form, as JSON, and JSON within either."""

import ast
import json
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request

from app.emulator.graph.problems import bad_parameter

_LONGEST_LITERAL = 20_000


class Params:
    """The parameters of one call, whichever way they were sent."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        """Return a parameter as text; None when it is absent or no text."""
        value = self._values.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return value if isinstance(value, str) else None

    def structure(self, name: str) -> Any:
        """Return a parameter as the object it is, or whose text it is; None when it is absent.

        Raises:
            GraphProblem: It is a text that is no object.
        """
        value = self._values.get(name)
        return _read_object(value, name) if isinstance(value, str) else value

    def words(self, name: str) -> tuple[str, ...]:
        """Return a list that was sent as a list, as its JSON, or as words between commas."""
        value = self._values.get(name)
        if isinstance(value, str) and value.lstrip().startswith("["):
            value = _read_object(value, name)
        if isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, list):
            return ()
        return tuple(word.strip() for word in value if isinstance(word, str) and word.strip())

    def changeable(self) -> set[str]:
        """Return the names of all parameters that are not about the call itself."""
        return set(self._values) - {"access_token", "appsecret_proof", "appsecret_time"}


def read_params(request: Request) -> Params:
    """Return the parameters of *request*; what its body says wins over its query.

    Raises:
        GraphProblem: The body claims to be JSON and is not.
    """
    values: dict[str, Any] = dict(request.args)
    values.update(request.form)
    if request.is_json and (body := request.get_data()):
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            # Meta's wording for this is not known; the code is.
            raise bad_parameter("The body of the request is not a JSON object.")
        values.update(content)
    return Params(values)


def _read_object(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass  # Meta's own examples show it in single quotes, too: recipient={'id':'…'}
    try:
        literal = ast.literal_eval(text[:_LONGEST_LITERAL].strip())
        return json.loads(json.dumps(literal))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as exc:
        raise bad_parameter(f"Param {name} must be a JSON object.") from exc
