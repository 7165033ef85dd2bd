"""The table of docs/performance.md, made from the record of the last run."""

import statistics
from pathlib import Path

from bench import growth, picture
from bench.figures import DATABASES, FIGURES, Figure, Results

ROOT = Path(__file__).parent.parent
PAGE, PICTURE = ROOT / "docs/performance.md", ROOT / "docs/bench.svg"
BEGIN, END = "<!-- made by: python -m bench --write-docs -->", "<!-- end of what was made -->"

GROWTH = (
    "By links and processes, on all cores, 64 in flight. A µs is of a core, the database server's "
    f"included; a million people who write {growth.MESSAGES_A_DAY} messages a day, "
    f"{growth.IN_BUSIEST_HOUR:.0%} of them in the busiest hour, each message a delivery and a "
    "look-up."
)


def table(results: Results, figures: tuple[Figure, ...] = FIGURES) -> str:
    """Return the table of *figures* as Markdown."""
    lines = [f"| # | measure | target | {' | '.join(DATABASES)} |", "|---|---|---|---|---|"]
    for figure in figures:
        judged = [figure.judge(results, database) for database in DATABASES]
        cells = [f"{each.measured} {_shown(each.verdict)}".strip() for each in judged]
        lines.append(f"| {figure.name} | {figure.words} | {figure.target} | {' | '.join(cells)} |")
    return "\n".join(lines)


def medians(results: Results) -> str:
    """Return every measurement with its median and spread."""
    lines = []
    for name, runs in results.items():
        values = ", ".join(
            f"{key} {statistics.median(values):g} ({min(values):g} to {max(values):g})"
            for key in runs[0]
            if (values := [run[key] for run in runs])
        )
        lines.append(f"  {name:<42} {values}")
    return "\n".join(lines)


def write_page(machine: str, rounds: int, results: Results) -> None:
    """Put the table between its two marks in docs/performance.md.

    Raises:
        ValueError: The page lacks the two marks.
    """
    text = PAGE.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no place for the table")
    made = "\n\n".join(
        [
            BEGIN,
            f"![{picture.words(results)}]({PICTURE.name})",
            f"Measured on {machine}; the median of {rounds} rounds, and the range.",
            table(results),
            *([GROWTH, growth.table(results)] if growth.table(results) else []),
            END,
        ]
    )
    PAGE.write_text(before + made + after)


def _shown(verdict: str) -> str:
    return f"**{verdict}**" if verdict == "missed" else verdict
