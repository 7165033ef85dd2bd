"""Pages of docs/ as somebody types them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
_SETTING: Final = re.compile(r"#|[A-Z_]+=")


def commands(heading: str, page: str = "deploying.md") -> list[str]:
    """Return the commands below *heading*, one by one, without the blocks of settings."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [
        line for block in _blocks(text, heading) if not _SETTING.match(block[0]) for line in block
    ]


def _blocks(text: str, heading: str) -> Iterator[list[str]]:
    _, found, rest = text.partition(f"# {heading}\n")
    assert found, heading
    for block in re.findall(r"(?:^    .*\n)+", re.split(r"\n#+ ", rest)[0], re.MULTILINE):
        yield [line[4:] for line in block.splitlines()]
