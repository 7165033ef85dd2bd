"""The machine, its processes, and the processor time and memory that they use."""

import os
import platform
import shutil
import sys
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
# The cores of the server and of the load: the first two that this process may use.
SERVER_CORE, LOAD_CORE = (sorted(os.sched_getaffinity(0)) * 2)[:2]


def check() -> None:
    """Exit with a message if something is missing that every measurement needs."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed to make load. On Debian and Ubuntu: apt-get install wrk")
    if SERVER_CORE == LOAD_CORE:
        sys.exit("two cores are needed: one for the server, one for the load")


def describe() -> str:
    """Return a description of this machine."""
    words = (
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    busy = os.getloadavg()[1]
    return (
        f"{next(words, platform.machine())}, {os.cpu_count()} cores, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, load {busy:.1f} in 5 minutes"
    )


def on_core(core: int, command: list[str]) -> list[str]:
    """Return *command*, bound to one core."""
    return ["taskset", "-c", str(core), *command]


def tree(root: int) -> list[int]:
    """Return the process *root* and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found, left = [], [root]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def parent_of(pid: int, *, named: str) -> int | None:
    """Return the parent of the process *pid*; None if no process of this name has the number."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None
    stat = _stat(pid)
    return int(stat[1]) if stat and name == named else None


def cpu_seconds(root: int, *, with_ended: bool = False) -> float:
    """Return the processor time that the tree of *root* has used, or also its ended children."""
    stats = filter(None, (_stat(pid) for pid in tree(root)))
    return sum(sum(map(int, stat[11 : 15 if with_ended else 13])) for stat in stats) / TICK


def memory_mb(root: int) -> float:
    """Return the memory of the tree of *root*; shared memory is counted once."""
    total = 0
    for pid in tree(root):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(x.split()[1]) for x in rollup.splitlines() if x.startswith("Pss:"))
    return total / 1024


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name, which may hold any character."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
