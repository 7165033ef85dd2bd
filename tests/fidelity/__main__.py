"""Holds the emulator against programs that others wrote, and prints what came of it.

``make fidelity``, or ``python -m tests.fidelity``. It ends with 1 when something differs for which
`programs` names no reason.
"""

import subprocess
import sys
from dataclasses import dataclass

from app.threadlink_testing import running
from tests.fidelity.clients import ask
from tests.fidelity.documented import node_example
from tests.fidelity.programs import CLIENTS, RECEIVERS, Program
from tests.fidelity.receivers import deliver


@dataclass(frozen=True, slots=True)
class Row:
    """One call or case of one program."""

    program: Program
    case: str
    came: str
    is_expected: bool

    @property
    def reason(self) -> str | None:
        return self.program.differences.get(self.case)

    @property
    def is_explained(self) -> bool:
        # A reason for what does not differ any more is as wrong as a difference without one.
        return self.is_expected is (self.reason is None)


def main() -> int:
    rows: list[Row] = []
    with running(("--person", "Ana Berg")) as messenger:
        for programs, run in ((CLIENTS, ask), (RECEIVERS, deliver)):
            for program in programs:
                for each in run(program, messenger):
                    rows.append(Row(program, *each))
                    _print(rows[-1])
    unexplained = sum(not row.is_explained for row in rows)
    alike = sum(row.is_expected for row in rows)
    print(f"\n{len(rows)} cases, {alike} as expected, {unexplained} unexplained")
    counted, has_passed = node_example()
    print(f"The example for Node in docs/testing.md: {counted}")
    return 1 if unexplained or not has_passed else 0


def _print(row: Row) -> None:
    verdict = "as expected" if row.is_expected else "DIFFERS"
    name = f"{row.program.name} {row.program.version}"
    print(f"{name:<36} {row.case:<20} {verdict:<12} {row.came}")
    if row.reason:
        print(f"{'':<36} {'':<20} right is {row.reason}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as exc:
        sys.exit(f"{exc}\n{(exc.stderr or b'').decode(errors='replace')}")
