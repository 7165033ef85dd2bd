"""The table of docs/security.md against the tests it names."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/security.md"
ROW = re.compile(r"\| (R\d+) \| ([^|]+) \| ((?:`[^`|]+`(?:, )?)*) ?\|")

# Seven numbers were never given.
GIVEN = {*range(1, 144)} - {24, 62, 65, 70, 106, 107, 108}

ROWS = ROW.findall(DOCUMENT.read_text())


def test_no_requirement_is_missing_from_the_table() -> None:
    assert GIVEN == {int(number[1:]) for number, _, _ in ROWS}
    assert len(ROWS) == len(GIVEN)


@pytest.mark.parametrize(("number", "behaviour", "held_by"), ROWS, ids=[row[0] for row in ROWS])
def test_what_the_table_says_is_tested_is(number: str, behaviour: str, held_by: str) -> None:
    """A row names files, each with a test that names its number, or says why there is none."""
    files = re.findall(r"`([^`]+)`", held_by)

    assert bool(files) != behaviour.startswith("absent: ")
    assert [] == [file for file in files if int(number[1:]) not in _numbers_in(file)]


def _numbers_in(file: str) -> set[int]:
    return {
        one
        for first, last in re.findall(r"\bR(\d+)(?: to R(\d+))?\b", _said_by_tests(file))
        for one in range(int(first), int(last or first) + 1)
    }


def _said_by_tests(file: str) -> str:
    """Return what the test functions in *file* say of themselves: a heading proves nothing."""
    return "\n".join(
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )
