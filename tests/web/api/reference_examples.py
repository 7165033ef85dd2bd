"""The examples on the API's reference page, taken out of the page as a reader copies them."""

import html
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.node import NODE

_ENTRY: Final = re.compile(r'<section id="([\w.]+)" class="entry">')
_PROGRAM: Final = re.compile(
    r'<details name="\w+"[^>]*data-language="(\w+)">.*?<pre>(.*?)</pre>', re.DOTALL
)
_ANSWER: Final = re.compile(
    r'<figure class="answer">.*?class="status ok">(\d+)<(.*?)</figure>', re.DOTALL
)
_REFUSAL: Final = re.compile(r'data-problem="(\w+)">.*?<pre>(.*?)</pre>', re.DOTALL)
_PATIENCE_S: Final = 30


@dataclass(frozen=True, slots=True)
class Examples:
    """What an entry of the page shows: programs by language, the answer, and refusals by name."""

    programs: Mapping[str, str]
    answer: Any
    refusals: Mapping[str, Any]


def examples_of(page: str) -> dict[str, Examples]:
    """Return the examples of each entry of *page*, by its anchor."""
    parts = _ENTRY.split(page)
    return {name: _examples(entry) for name, entry in zip(parts[1::2], parts[2::2], strict=True)}


def _examples(entry: str) -> Examples:
    answer = _ANSWER.search(entry)
    return Examples(
        {language: _text(program) for language, program in _PROGRAM.findall(entry)},
        _shown(answer[1], answer[2]) if answer else None,
        {name: json.loads(_text(body)) for name, body in _REFUSAL.findall(entry)},
    )


def _shown(status: str, rest: str) -> Any:
    """Return the answer that is shown; the status where there is no content."""
    code = re.search(r"<pre>(.*?)</pre>", rest, re.DOTALL)
    return json.loads(_text(code[1])) if code else int(status)


def _text(code: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", code))


def run_curl(program: str, key: str) -> Any:
    """Run *program* in a shell; return the answer's JSON, or its status if it has no content."""
    said = _run(["sh", "-c", program], key)
    return int(said.split()[1]) if said.startswith("HTTP/") else json.loads(said)


def run_python(program: str, key: str) -> Any:
    """Run *program* here, which has *key* already; return what it prints."""
    del key
    said: list[Any] = []
    exec(compile(program, "example.py", "exec"), {"print": said.append})  # noqa: S102 - our page's
    (only,) = said
    return only


def run_node(program: str, key: str) -> Any:
    """Run *program* in Node; return what it logs."""
    as_json = "console.log = (value) => process.stdout.write(JSON.stringify(value));\n"
    return json.loads(_run([NODE, "--input-type=module", "--eval", as_json + program], key))


def _run(command: list[str], key: str) -> str:
    ran = subprocess.run(  # noqa: S603 - our page's
        command,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "THREADLINK_KEY": key},
        capture_output=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    assert (0, b"") == (ran.returncode, ran.stderr if ran.returncode else b"")
    return ran.stdout.decode()
