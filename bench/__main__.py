"""Run ours, the raw floors and the rivals side by side, and print how they compare.

    make bench                                    everything, on both databases, five rounds
    make bench-short                              deliveries and look-ups alone, two rounds
    python -m bench --only P1,P3 --rounds 1 --seconds 3
    python -m bench --only growth                 the table of growth alone
    python -m bench --tiny                        whether all of it still runs: no figures
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

from bench import contenders, growth, machine, picture, report
from bench.databases import LIMIT_MIB, Databases
from bench.figures import DATABASES, FIGURES, ONCE, SHORT, Figure, Results
from bench.load import Load
from bench.product import Product

OUT = Path("build/bench")
RECORD = OUT / "results.json"
GROWTH = "growth"


def main() -> None:
    options = _options()
    if options.write_docs:
        record = json.loads(RECORD.read_text())
        report.write_page(record["machine"], record["rounds"], record["results"])
        report.PICTURE.write_text(picture.draw(record["results"]))
        print(f"Written to docs/{report.PAGE.name} and docs/{report.PICTURE.name}.")
        return
    only = options.only.split(",") if options.only else None
    wanted = tuple(f for f in FIGURES if only is None or f.name in only)
    names = _needed(wanted, with_growth=only is None or GROWTH in only)
    machine.check()
    description = machine.describe()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="threadlink-bench-") as made:
        folder = Path(made)
        # Readable by every user, because the PostgreSQL server runs as another one.
        folder.chmod(0o755)
        load = Load(folder, options.seconds)
        with Databases(folder, waiting_mib=1 if options.tiny else LIMIT_MIB) as databases:
            sizes = (100, 200, 300) if options.tiny else growth.SIZES
            product = Product(folder, load, databases, sizes=sizes)
            field = contenders.Field(folder, load, databases, product)
            results = _rounds(field, names, options.rounds, partial(_keep, description))
    (OUT / "results.svg").write_text(picture.draw(results))
    print(f"\n{description}\n\n{report.medians(results)}\n\n{report.table(results, wanted)}")
    print(f"\n{growth.table(results)}")
    print(
        f"\nWritten to {RECORD}. Into docs/performance.md: .venv/bin/python -m bench --write-docs"
    )


def _rounds(
    field: contenders.Field,
    names: list[str],
    rounds: int,
    keep: Callable[[int, Results], None],
) -> Results:
    """Return the results of each measurement by rounds; *keep* is called with them after each."""
    results: Results = defaultdict(list)
    begun = time.monotonic()
    for number in range(1, rounds + 1):
        for name in names:
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


def _needed(wanted: tuple[Figure, ...], *, with_growth: bool) -> list[str]:
    """Return every measurement once; those that are compared follow each other."""
    names = [
        name
        for figure in wanted
        for database in DATABASES
        if database in figure.databases
        for name in figure.measurements(database)
    ]
    cells = [cell.name for cell in growth.CELLS] if with_growth else []
    return list(dict.fromkeys(names + cells))


def _tell(words: str) -> None:
    print(words, end="", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", help=f"figures to measure, such as P1,P3, or {GROWTH}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="length of one run")
    parser.add_argument("--short", action="store_true", help=f"measure {','.join(SHORT)}, twice")
    parser.add_argument("--tiny", action="store_true", help="run each once, for a second")
    parser.add_argument("--write-docs", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if options.short:
        options.only, options.rounds, options.seconds = ",".join(SHORT), 2, 3
    if options.tiny:
        options.rounds = options.seconds = 1
    return options


main()
