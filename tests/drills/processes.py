"""Memory and file descriptors of a program's processes, read from /proc."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holding:
    """Bytes of memory that are resident, and open descriptors, of some processes together."""

    resident: int
    descriptors: int


def holding(process: int) -> Holding:
    """Return what *process* and all that came of it hold now."""
    resident = descriptors = 0
    for one in family(process):
        # It may have ended meanwhile.
        with suppress(FileNotFoundError, ProcessLookupError):
            status = Path(f"/proc/{one}/status").read_text(encoding="ascii")
            (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
            resident += int(line.split()[1]) * 1024
            descriptors += len(list(Path(f"/proc/{one}/fd").iterdir()))
    return Holding(resident, descriptors)


def family(process: int) -> list[int]:
    """Return *process* and all that came of it."""
    found = [process]
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{process}/task").iterdir():
            children = (task / "children").read_text(encoding="ascii")
            for child in children.split():
                found += family(int(child))
    return found
