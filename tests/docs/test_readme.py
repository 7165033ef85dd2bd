"""The commands, files, fields and figures that README and docs/ name must exist."""

import json
import re
from pathlib import Path

import click
import pytest

from app.cli import main
from app.linking.link_object import LinkObject

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCS = sorted((ROOT / "docs").glob("*.md"))
WORDS = r"([a-z][a-z-]*(?: [a-z][a-z-]*)?)"
# In the pages, where the word stands for the server and its unit too: at the start of a command.
TYPED = r"(?m)(?:^ {4}|`|bin/|run )threadlink "
PAGES = "\n".join(page.read_text() for page in [*DOCS, ROOT / "CONTRIBUTING.md"])


@pytest.mark.parametrize(
    "typed",
    sorted({*re.findall(rf"threadlink {WORDS}", README), *re.findall(rf"{TYPED}{WORDS}", PAGES)}),
)
def test_every_command_that_is_shown_exists(typed: str) -> None:
    command: click.Command = main
    for word in typed.split():
        if isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            assert found is not None
            command = found

    assert command.help


@pytest.mark.parametrize(
    ("typed", "option"),
    sorted(
        {
            (words, option)
            for words, rest in re.findall(rf"{TYPED}{WORDS}((?: [^`\n]*)?)", f"{README}\n{PAGES}")
            for option in re.findall(r"(?<= )--[a-z-]+", rest.partition("#")[0])
        }
    ),
)
def test_every_option_that_is_shown_exists(typed: str, option: str) -> None:
    command: click.Command = main
    for word in typed.split():
        if isinstance(command, click.Group):
            command = command.get_command(click.Context(command), word) or command

    assert option in {name for parameter in command.params for name in parameter.opts}


def test_every_file_that_is_linked_exists() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    local = [target for target in targets if not target.startswith("https://")]

    assert [] == [target for target in local if not (ROOT / target).is_file()]
    assert "docs/demo.png" in local


def test_every_page_is_linked_from_the_readme() -> None:
    assert [] == [page.name for page in DOCS if f"](docs/{page.name})" not in README]


def test_the_readme_can_be_read_in_five_minutes() -> None:
    assert 600 <= len(README.split()) <= 900


def test_the_readme_shows_the_link_object_as_it_is() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)

    assert list(LinkObject.__struct_fields__) == list(json.loads(shown))


def test_the_readme_names_figures_that_were_measured() -> None:
    figures = re.findall(r"\d+,\d{3}", README.split("\n## Figures\n")[1])

    measured = (ROOT / "docs/performance.md").read_text()
    assert [] == [figure for figure in figures if figure not in measured]
    assert figures
