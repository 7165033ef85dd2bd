"""The tables of docs/security.md against the tests they name, and the limits of the program."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest

from app.accounts.rate_limits import LIMITS, RateLimit
from app.operators import audit
from app.web.console import pace

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/security.md"
ROW = re.compile(r"\| (R\d+) \| ([^|]+) \| ((?:`[^`|]+`(?:, )?)*) ?\|")

# Seven numbers were never given.
GIVEN = {*range(1, 144)} - {24, 62, 65, 70, 106, 107, 108}

ROWS = ROW.findall(DOCUMENT.read_text())

# What the row of each limit begins with.
ROW_OF = {
    "person": "tries of a profile",
    "digits": "digits sent",
    "pair": "name at a network",
    "address": "network |",
    "departures": "visits to providers",
    "opens": "sign-in pages opened",
    "opensnet": "sign-in pages opened",
    "tokens": "tokens that Messenger refuses",
    "tokensnet": "tokens that Messenger refuses",
    "pagesignin": "sign-ins on pages",
    "keys": "invalid API keys",
    "codes": "codes of",
    "codespage": "codes of",
    "asks": "questions of invitations",
    "invites": "invitations |",
    "consolepair": "operators' sign-ins",
    "consoleaddress": "operators' sign-ins",
    "consolename": "operators' sign-ins",
    "identifier": "name |",
    "streak": "failures at a name",
}


def test_no_requirement_is_missing_from_the_table() -> None:
    assert GIVEN == {int(number[1:]) for number, _, _ in ROWS}
    assert len(ROWS) == len(GIVEN)


@pytest.mark.parametrize(("number", "behaviour", "held_by"), ROWS, ids=[row[0] for row in ROWS])
def test_what_the_table_says_is_tested_is(number: str, behaviour: str, held_by: str) -> None:
    """A row names files, each with a test that names its number, or says why there is none."""
    files = re.findall(r"`([^`]+)`", held_by)

    assert bool(files) != behaviour.startswith("absent: ")
    assert [] == [file for file in files if int(number[1:]) not in _numbers_in(file)]


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_every_rate_limit_stands_there_with_its_figure(limit: RateLimit) -> None:
    """R61, R109: an auditor reads there what keeps guesses few."""
    assert _figure(limit.maximum, limit.window) in _most(ROW_OF[limit.name])


def test_the_limits_of_an_operator_stand_there() -> None:
    """R139."""
    assert _figure(pace.MOST_IN_WINDOW, pace.WINDOW) in _most("requests to the console")
    assert [
        _figure(audit.MOST_LOOKS, audit.IN_AN_HOUR),
        _figure(audit.MOST_ACTS, audit.IN_AN_HOUR),
    ] == _most("looks at people")


def _most(beginning: str) -> list[str]:
    """Return the figures of the row with this *beginning*."""
    (row,) = re.findall(rf"(?m)^\| {re.escape(beginning)}.*$", DOCUMENT.read_text())
    return re.split(r"[;,] ", row.split(" | ")[2])


def _figure(maximum: int, window: timedelta) -> str:
    """Return a figure as the table has it: "30 in 5 minutes"."""
    unit, number = next(
        (unit, window // length)
        for unit, length in (
            ("day", timedelta(days=1)),
            ("hour", timedelta(hours=1)),
            ("minute", timedelta(minutes=1)),
        )
        if window >= length
    )
    return f"{maximum:,} in {number} {unit}{'s' if number > 1 else ''}"


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
