"""Runs programs that others wrote against the emulator, and prints the results.

``make fidelity``, or ``python -m tests.fidelity [programs|faults|node|express] …``: clients and
bots, each fault's effect, the examples for Node and Express. Exits with 1 if a result differs and
`programs` has no reason for it, or if a fault has a different effect than in `faults.table`.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tests.fidelity.bot_example import express_example, report
from tests.fidelity.clients import ask
from tests.fidelity.faults import run_faults
from tests.fidelity.node_example import node_example
from tests.fidelity.programs import CLIENTS, RECEIVERS, Program
from tests.fidelity.receivers import deliver
from threadlink_testing import running


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one call or case of one program."""

    program: Program
    case: str
    result: str
    is_expected: bool

    @property
    def reason(self) -> str | None:
        return self.program.differences.get(self.case)

    @property
    def is_explained(self) -> bool:
        # A reason without a difference is as wrong as a difference without a reason.
        return self.is_expected is (self.reason is None)


def main(parts: list[str]) -> int:
    passed = [_PARTS[part]() for part in parts or _PARTS]
    return 0 if all(passed) else 1


def programs() -> bool:
    rows: list[Row] = []
    with running(("--person", "Ana Berg")) as messenger:
        for group, run in ((CLIENTS, ask), (RECEIVERS, deliver)):
            for program in group:
                for each in run(program, messenger):
                    rows.append(Row(program, *each))
                    _print(rows[-1])
    unexplained = sum(not row.is_explained for row in rows)
    alike = sum(row.is_expected for row in rows)
    print(f"\n{len(rows)} cases, {alike} as expected, {unexplained} unexplained\n")
    return not unexplained


def faults() -> bool:
    """Print a Markdown table: each fault for our server and for a program of others."""
    print("| fault | Threadlink | another program | why |\n| --- | --- | --- | --- |", flush=True)
    wrong = count = 0
    for pair in run_faults():
        row = pair[0].row
        ours, foreign = (_cell(each.result, each.is_expected, each.side.does) for each in pair)
        program = row.foreign.program
        print(f"| `{row.fault}` | {ours} | {program}: {foreign} | {row.why} |", flush=True)
        wrong += sum(not each.is_expected for each in pair)
        count += 1
    print(f"\n{count} faults, each for two programs; {wrong} not as expected\n")
    return not wrong


def node() -> bool:
    counted, has_passed = node_example()
    print(f"The example for Node in docs/testing.md: {counted}")
    return has_passed


def express() -> bool:
    print("\nThe example for Express in docs/bots.md:")
    return report(express_example())


_PARTS: dict[str, Callable[[], bool]] = {
    "programs": programs,
    "faults": faults,
    "node": node,
    "express": express,
}
_WIDEST = 120


def _cell(result: str, is_expected: bool, expected: str) -> str:  # noqa: FBT001 - a table's column
    text = result if len(result) <= _WIDEST else f"{result[:_WIDEST]}…"
    text = text.replace("|", "\\|")
    return text if is_expected else f"**NOT AS EXPECTED** ({expected}): {text}"


def _print(row: Row) -> None:
    verdict = "as expected" if row.is_expected else "DIFFERS"
    name = f"{row.program.name} {row.program.version}"
    print(f"{name:<36} {row.case:<20} {verdict:<12} {row.result}", flush=True)
    if row.reason:
        print(f"{'':<36} {'':<20} right is {row.reason}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as exc:
        sys.exit(f"{exc}\n{(exc.stderr or b'').decode(errors='replace')}")
