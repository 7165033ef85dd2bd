"""The commands and files that the README names must exist."""

import re
from pathlib import Path

import click
import pytest

from app.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


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
