"""How the cost grows with links and processes, what is used up first, and what people cost."""

import os
from dataclasses import dataclass

from bench.figures import DATABASES, Results, Run, median_of

SIZES = (10_000, 1_000_000, 10_000_000)
PROCESSES = (1, 2)
# What is assumed of people: messages a day of each, and the part of them in the busiest hour. Each
# message is a delivery and a look-up.
MESSAGES_A_DAY, IN_BUSIEST_HOUR = 5, 0.1
# The part of a core that is as good as all of it.
FULL = 0.9
KINDS = ("look_ups", "deliveries", "log_outs")

_COLUMNS = ("database", "links", "processes", "look-ups/s", "µs", "deliveries/s", "µs")
_MORE_COLUMNS = ("log-outs/s", "µs", "used up first", "cores for a million people")
_HEAD = (f"| {' | '.join(_COLUMNS + _MORE_COLUMNS)} |", f"|---|{'---:|' * 8}---|---:|")


@dataclass(frozen=True, slots=True)
class Cell:
    """One size of one set-up: so many *links* and *processes* on a *database*."""

    database: str
    links: int
    processes: int

    @property
    def name(self) -> str:
        return f"growth, {self.database}, {self.links:,} links, {_processes(self.processes)}"


CELLS = tuple(
    Cell(database, links, count) for database in DATABASES for links in SIZES for count in PROCESSES
)


def table(results: Results) -> str:
    """Return the cells that were measured as Markdown."""
    rows = [
        _row(cell, {key: median_of(runs, key) for key in runs[0]})
        for cell in CELLS
        if (runs := results.get(cell.name))
    ]
    return "\n".join([*_HEAD, *rows]) if rows else ""


def _row(cell: Cell, found: Run) -> str:
    parts = [cell.database, f"{cell.links:,}", str(cell.processes)]
    for kind in KINDS:
        parts += [f"{found[f'{kind}_s']:,.0f}", f"{found[f'{kind}_us']:,.0f}"]
    parts += [used_up(cell, found), f"{cores_for_a_million(found):.2g}"]
    return f"| {' | '.join(parts)} |"


def used_up(cell: Cell, found: Run) -> str:
    """Return what the deliveries of *cell* used up, and how many cores each part took."""
    ours, database, load = (
        found[f"deliveries_{part}_cores"] for part in ("cpu", "database", "load")
    )
    if ours + database + load >= FULL * (os.cpu_count() or 1):
        what = "the machine's cores"
    elif ours / cell.processes >= FULL:
        what = "a core for each process"
    else:
        what = "nothing: it waits for the disk"
    of_database = f", database {database:.2f}" if database else ""
    return f"{what} (server {ours:.2f}{of_database}, load {load:.2f})"


def cores_for_a_million(found: Run) -> float:
    """Return the cores that a million people who write take in the busiest hour."""
    messages_a_second = 1_000_000 * MESSAGES_A_DAY * IN_BUSIEST_HOUR / 3600
    return messages_a_second * (found["look_ups_us"] + found["deliveries_us"]) / 1e6


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"
