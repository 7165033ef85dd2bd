"""Each page of docs/ begins with what the reader will have and needs, and ends with "Next"."""

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_a_page_begins_with_the_result_and_the_needs_and_ends_with_next(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    first = text.split("\n\n")[1].replace("\n", " ")
    last = text.split("\n## ")[-1]

    assert first.startswith("At the end ")
    assert re.search(r"\byou need\b", first, re.IGNORECASE)
    assert last.startswith("Next\n")
    assert "](" in last
