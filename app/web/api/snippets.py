"""A call of the API as the programs that make it: curl, Python with requests, and Node."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_KEY = "THREADLINK_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCall:
    """One call; *body* is what is sent as JSON, and *is_silent* says that nothing is answered."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    is_silent: bool = False


def snippets_of(call: SampleCall) -> dict[str, str]:
    """Return the programs that make *call*, by the names that people know them by."""
    return {"curl": _curl(call), "Python": _python(call), "Node": _node(call)}


def pretty(value: Any, indent: int = 2) -> str:
    """Return *value* as JSON over several lines."""
    return json.dumps(value, indent=indent, ensure_ascii=False)


def _curl(call: SampleCall) -> str:
    words = ["curl"]
    if call.is_silent:
        words.append("--include")
    if call.query:
        words.append("--get")
    if call.method not in {"GET", "POST"}:
        words.append(f"--request {call.method}")
    lines = [" ".join(words), f'"{call.url}"', f'--header "Authorization: Bearer ${_KEY}"']
    lines += [f'--data-urlencode "{name}={value}"' for name, value in call.query.items()]
    if call.body is not None:
        lines.append('--header "Content-Type: application/json"')
        lines.append(f"--data {shlex.quote(pretty(call.body))}")
    return " \\\n  ".join(lines)


def _python(call: SampleCall) -> str:
    lines = [
        f'"{call.url}",',
        f'headers={{"Authorization": f"Bearer {{os.environ[\'{_KEY}\']}}"}},',
    ]
    if call.query:
        lines.append(f"params={json.dumps(call.query)},")
    if call.body is not None:
        lines.append(f"json={_indented(pretty(call.body, 4), 4)},")
    lines.append("timeout=10,")
    told = "answer.status_code" if call.is_silent else "answer.json()"
    return "\n".join(
        [
            "import os",
            "",
            "import requests",
            "",
            f"answer = requests.{call.method.lower()}(",
            *(f"    {line}" for line in lines),
            ")",
            "answer.raise_for_status()",
            f"print({told})",
        ]
    )


def _node(call: SampleCall) -> str:
    headers = [f"Authorization: `Bearer ${{process.env.{_KEY}}}`"]
    if call.body is not None:
        headers.append('"Content-Type": "application/json"')
    options = [f'method: "{call.method}",'] if call.method != "GET" else []
    options.append(f"headers: {{ {headers[0]} }}," if len(headers) == 1 else "headers: {")
    if len(headers) > 1:
        options += [*(f"  {header}," for header in headers), "},"]
    if call.body is not None:
        options.append(f"body: JSON.stringify({_indented(_unquoted(pretty(call.body)), 2)}),")
    options.append("signal: AbortSignal.timeout(10_000),")
    lines, url = [], f'"{call.url}"'
    if call.query:
        lines.append(f"const query = new URLSearchParams({_object(call.query)});")
        url = f"`{call.url}?${{query}}`"
    told = "answer.status" if call.is_silent else "await answer.json()"
    return "\n".join(
        [
            *lines,
            f"const answer = await fetch({url}, {{",
            *(f"  {option}" for option in options),
            "});",
            "if (!answer.ok) throw new Error(await answer.text());",
            f"console.log({told});",
        ]
    )


def _object(values: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{name}: {json.dumps(text)}" for name, text in values.items()) + " }"


def _unquoted(text: str) -> str:
    """Return JSON as people write it in JavaScript, where names need no quotes."""
    return re.sub(r'^( *)"([a-z_]+)":', r"\1\2:", text, flags=re.MULTILINE)


def _indented(text: str, by: int) -> str:
    return text.replace("\n", "\n" + " " * by)
