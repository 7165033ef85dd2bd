"""docs/troubleshooting.md quotes pages and commands as the program words them."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from app.web.api.blueprint import OPERATIONS
from app.web.api.operations import problems_of
from app.web.problems.forms import FIRST_PASSWORD_EXPIRED, PROVIDER_MISCONFIGURED, PROVIDER_NOT_HERE
from app.web.problems.pages import PAGE_PROBLEMS
from tests.docs.texts_in_code import quotes, texts

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
# Messenger's, ngrok's and Graph's own words.
OF_OTHERS: Final = frozenset(
    {"Account Linking Failed", "You are about to visit …", "(#100) No matching user found"}
)


def first_cells(heading: str) -> list[str]:
    """Return the first column of the table below *heading*, without its head."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [row.split("|")[1].strip() for row in rows[1:]]


def quoted(heading: str) -> list[str]:
    """Return what is between quotation marks in the first column below *heading*."""
    found = [quote for cell in first_cells(heading) for quote in re.findall('"(.+?)"', cell)]
    return [quote for quote in found if quote not in OF_OTHERS]


@pytest.mark.parametrize("quote", quoted("By symptom: people"))
def test_every_page_that_is_quoted_exists(quote: str) -> None:
    problems = [
        *PAGE_PROBLEMS.values(),
        PROVIDER_MISCONFIGURED,
        PROVIDER_NOT_HERE,
        FIRST_PASSWORD_EXPIRED,
    ]

    assert any(quotes(quote, f"{problem.title} {problem.english}") for problem in problems)


@pytest.mark.parametrize("quote", quoted("By symptom: links by m.me"))
def test_every_text_of_the_second_road_that_is_quoted_exists(quote: str) -> None:
    sources = ("app/web/languages/chat_texts.py", "app/web/pages/connect_pages.py")
    said = {
        node.value
        for source in sources
        for node in ast.walk(ast.parse((ROOT / source).read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }

    assert quote in said


@pytest.mark.parametrize("quote", quoted("By symptom: commands and start"))
def test_every_message_of_a_command_that_is_quoted_exists(quote: str) -> None:
    assert any(quotes(quote, text) for text in texts())


@pytest.mark.parametrize("cell", first_cells("By symptom: the bot"))
def test_every_answer_of_the_api_that_is_quoted_exists(cell: str) -> None:
    answer = re.match(r'(\d{3}) "(.+?)"', cell)
    titles = {(str(problem.status), str(problem.title)) for problem in problems_of(OPERATIONS)}

    assert answer is None or answer.groups() in titles
    assert answer or not cell[0].isdigit()
