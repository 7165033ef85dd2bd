"""Run ours, the raw floors and the rivals side by side, and print how they compare.

    make bench                                    everything, five interleaved rounds
    python -m bench --only P1,P3 --rounds 1 --seconds 3

Each contender runs on one core and the load comes from the other, one after the other, round by
round: only what was measured in the same rounds is compared, and the median round counts.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench import contenders, machine, picture
from bench.figures import FIGURES, Figure, Results
from bench.load import Load

OUT = Path("build/bench")


def main() -> None:
    options = _options()
    wanted = [f for f in FIGURES if not options.only or f.name in options.only.split(",")]
    machine.check()
    with (
        tempfile.TemporaryDirectory(prefix="threadlink-bench-") as folder,
        contenders.Field(Path(folder), Load(Path(folder), options.seconds)) as field,
    ):
        results = _rounds(field, wanted, options.rounds)
    lines = [figure.judge(results) for figure in wanted]
    _print(lines, results)
    OUT.mkdir(parents=True, exist_ok=True)
    record = {"machine": machine.describe(), "figures": lines, "results": dict(results)}
    (OUT / "results.json").write_text(json.dumps(record, indent=1) + "\n")
    (OUT / "results.svg").write_text(picture.draw(results))
    print(f"\nWritten to {OUT}/results.json and results.svg.")


def _rounds(field: contenders.Field, wanted: list[Figure], rounds: int) -> Results:
    """Return what each measurement gave in each round; what cannot be run is said once."""
    results: Results = defaultdict(list)
    needed = list(dict.fromkeys(name for figure in wanted for name in figure.needs))
    for number in range(1, rounds + 1):
        for name in needed:
            measure: Callable[[], dict[str, float]] | None = field.measures.get(name)
            if measure is None:
                if number == 1:
                    print(f"skipped: {name} ({field.missing.get(name, 'unknown')})")
                continue
            print(f"round {number}/{rounds}: {name} ...", end=" ", file=sys.stderr, flush=True)
            found = measure()
            print(", ".join(f"{k} {v:g}" for k, v in found.items()), file=sys.stderr)
            results[name].append(found)
    return results


def _print(lines: list[dict[str, str]], results: Results) -> None:
    print(f"\n{machine.describe()}\n")
    for name, runs in results.items():
        told = ", ".join(
            f"{key} {statistics.median(values):g} ({min(values):g} to {max(values):g})"
            for key in runs[0]
            if (values := [run[key] for run in runs])
        )
        print(f"  {name:<34} {told}")
    print()
    print("| # | measure | target | measured | |\n|---|---|---|---|---|")
    for line in lines:
        print("| {name} | {words} | {target} | {measured} | {verdict} |".format(**line))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", help="figures to measure, such as P1,P3")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=6, help="length of one run")
    return parser.parse_args()


main()
