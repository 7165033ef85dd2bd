"""Write the generated parts of docs/: `python -m tests.docs.generate`, or `make docs`.

A generated part is between two comments, ``<!-- generated: NAME -->`` and ``<!-- end of NAME -->``.
The rest of each file is written by hand.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.docs import (
    graph_errors_page,
    log_events_page,
    settings_page,
    support_page,
    translating_page,
)

DOCS: Final = Path(__file__).parents[2] / "docs"
PARTS: Final[Mapping[str, Mapping[str, Callable[[], str]]]] = {
    "settings.md": {"settings": settings_page.tables, "pages-file": settings_page.pages_file},
    "log-events.md": {
        "log-events": log_events_page.tables,
        "sampled": log_events_page.sampled,
    },
    "graph-errors.md": {
        "meanings": graph_errors_page.meanings,
        "errors": graph_errors_page.errors,
    },
    "support.md": {"causes": support_page.causes},
    "translating.md": {
        "protected": translating_page.protected,
        "reviewed": translating_page.reviewed,
    },
}


def page(name: str) -> str:
    """Return the file *name* of docs/ with its generated parts made anew."""
    text = (DOCS / name).read_text()
    for part, make in PARTS[name].items():
        before, begin, rest = text.partition(f"<!-- generated: {part} -->\n")
        _, end, after = rest.partition(f"\n<!-- end of {part} -->")
        assert begin, f"{name} has no place for {part}"
        assert end, f"{name} has no end of {part}"
        text = f"{before}{begin}\n{make()}{end}{after}"
    return text


if __name__ == "__main__":
    for name in PARTS:
        (DOCS / name).write_text(page(name))
