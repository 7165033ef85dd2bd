"""Run ours, the raw floors and the rivals side by side, and print how they compare.

    make bench                                    everything, on both databases, five rounds
    python -m bench --only P1,P3 --rounds 1 --seconds 3
    python -m bench --write-docs                  put the last record into docs/

Each contender runs on one core and the load comes from the other, one after the other, round by
round: only what was measured in the same rounds is compared, and the median round counts.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import contenders, machine, picture, report
from bench.figures import DATABASES, FIGURES, ONCE, Figure, Results
from bench.load import Load

OUT = Path("build/bench")
RECORD = OUT / "results.json"


def main() -> None:
    options = _options()
    if options.write_docs:
        record = json.loads(RECORD.read_text())
        report.write_page(record["machine"], record["rounds"], record["results"])
        report.PICTURE.write_text(picture.draw(record["results"]))
        print(f"Written to docs/{report.PAGE.name} and docs/{report.PICTURE.name}.")
        return
    wanted = tuple(f for f in FIGURES if not options.only or f.name in options.only.split(","))
    machine.check()
    description = machine.describe()
    OUT.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="threadlink-bench-") as folder,
        contenders.Field(Path(folder), Load(Path(folder), options.seconds)) as field,
    ):
        # Readable by every user, because the PostgreSQL server runs as another one.
        Path(folder).chmod(0o755)
        results = _rounds(field, wanted, options.rounds, partial(_keep, description))
    (OUT / "results.svg").write_text(picture.draw(results))
    print(f"\n{description}\n\n{report.medians(results)}\n\n{report.table(results, wanted)}")
    print(
        f"\nWritten to {RECORD}. Into docs/performance.md: .venv/bin/python -m bench --write-docs"
    )


def _rounds(
    field: contenders.Field,
    wanted: tuple[Figure, ...],
    rounds: int,
    keep: Callable[[int, Results], None],
) -> Results:
    """Return the results of each measurement by rounds; *keep* is called with them after each."""
    results: Results = defaultdict(list)
    needed = _needed(wanted)
    begun = time.monotonic()
    for number in range(1, rounds + 1):
        for name in needed:
            if number > 1 and any(mark in name for mark in ONCE):
                continue
            measure = field.measures.get(name)
            if measure is None:
                if number == 1:
                    print(f"skipped: {name} ({field.missing.get(name, 'unknown')})")
                continue
            minutes = (time.monotonic() - begun) / 60
            _tell(f"{minutes:4.1f} min, round {number}/{rounds}: {name} ... ")
            try:
                found = measure()
            except Exception as exc:  # noqa: BLE001 - whatever it was, the others are worth their time
                _tell(f"FAILED: {exc}\n")
                field.missing[name] = "it failed"
                del field.measures[name]
                results.pop(name, None)
                continue
            _tell(", ".join(f"{k} {v:g}" for k, v in found.items()) + "\n")
            results[name].append(found)
        keep(number, results)
    return results


def _keep(description: str, rounds: int, results: Results) -> None:
    record = {"machine": description, "rounds": rounds, "results": dict(results)}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


def _needed(wanted: tuple[Figure, ...]) -> list[str]:
    """Return every measurement once; those that are compared follow each other."""
    names = (
        name
        for figure in wanted
        for database in DATABASES
        if database in figure.databases
        for name in figure.measurements(database)
    )
    return list(dict.fromkeys(names))


def _tell(words: str) -> None:
    print(words, end="", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", help="figures to measure, such as P1,P3")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="length of one run")
    parser.add_argument("--write-docs", action="store_true", help="measure nothing")
    return parser.parse_args()


main()
