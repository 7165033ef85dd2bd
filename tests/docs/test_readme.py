"""The README promises names: of settings, commands, log events, files. They must exist."""

import ast
import re
from pathlib import Path

import click
import pytest

from app.cli import main
from tests.docs.test_env_example import EXAMPLES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """Return what stands under the heading *title*."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(title: str) -> set[str]:
    """Return what the first column of the tables under *title* has in code type."""
    rows = re.findall(r"(?m)^\|([^|]+)\|", section(title))
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def _general(found: re.Match[str]) -> str:
    return f"{found[0].partition('_')[0]}_<NAME>_"


def test_the_table_of_settings_has_those_of_env_example() -> None:
    example = (ROOT / ".env.example").read_text()

    named = set(re.findall(r"(?m)^#?([A-Z_]+)=", example))
    # The example has a way to sign in for each kind, and calls it something.
    called = "|".join(f"{kind}{name}" for kind, name in EXAMPLES.items())
    general = {re.sub(rf"^(?:{called})_", _general, name) for name in named}

    assert general == first_cells("Settings")


def test_the_table_of_log_lines_has_every_event() -> None:
    """An operator who searches the README for a line finds it."""
    assert log_events() == first_cells("Operating")


def log_events() -> set[str]:
    """Return the dotted names that stand first in a call of a logger, wherever it is called."""
    calls = (
        call
        for path in (ROOT / "app").rglob("*.py")
        if "emulator" not in path.parts
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and call.args
    )
    return {
        call.args[0].value
        for call in calls
        if ast.unparse(call.func).startswith(("log.", "level"))
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
        and re.fullmatch(r"[a-z_]+\.[a-z_]+", call.args[0].value)
    }


@pytest.mark.parametrize(
    "typed", sorted(set(re.findall(r"threadlink ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", README)))
)
def test_every_command_that_is_shown_exists(typed: str) -> None:
    command: click.Command = main
    for word in typed.split():
        if isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            assert found is not None
            command = found

    assert command.help


def test_every_file_that_is_linked_exists() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    local = [target for target in targets if not target.startswith("https://")]

    assert [] == [target for target in local if not (ROOT / target).is_file()]
    assert "docs/demo.png" in local
