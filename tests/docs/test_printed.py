"""What the documents show as printed by a command is in the source of the commands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.docs.texts_in_code import prints, texts

ROOT: Final = Path(__file__).parents[2]
# Settings, keys, passwords, notices and what is left out.
_VALUES: Final = re.compile(r"[A-Z_]+=.*|tlk_\w+| +[0-9a-f-]{19}|\{.*|…")
# What comes before the words of an error, of a finding of `doctor`, and of a step of an attempt.
_BEFORE: Final = re.compile(
    r"^(?:Error: |(?:ok|warning|PROBLEM) +[^:]+: | +fix: | +[\d :-]+ UTC  |  )"
)


def printed() -> Iterator[tuple[str, str]]:
    """Yield each line of the text blocks, with its page."""
    for page in ("README.md", "docs/quickstart.md", "docs/meta.md", "docs/operations.md"):
        for block in re.findall(r"```text\n(.*?)```", (ROOT / page).read_text(), re.DOTALL):
            for line in block.splitlines():
                if line and not _VALUES.fullmatch(line):
                    yield page, _BEFORE.sub("", line).strip()


@pytest.mark.parametrize(("page", "line"), [*printed()])
def test_every_line_that_is_shown_is_printed(page: str, line: str) -> None:
    assert any(prints(text, line) for text in texts()), page
