"""docs/deploying.md as somebody types it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
_SETTING: Final = re.compile(r"#|[A-Z_]+=")


def commands(heading: str) -> list[str]:
    """Return the commands below *heading*, one by one, without the blocks of settings."""
    return [line for block in _blocks(heading) if not _SETTING.match(block[0]) for line in block]


def _blocks(heading: str) -> Iterator[list[str]]:
    text = (ROOT / "docs/deploying.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    for block in re.findall(r"(?:^    .*\n)+", section, re.MULTILINE):
        yield [line[4:] for line in block.splitlines()]
