"""The CPU quota of this process's control group: what a container or a unit may use of the machine.

Linux has it in files: ``cpu.max`` of version 2 (kernel.org, "Control Group v2", CPU interface
files), ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us`` of version 1 ("CFS Bandwidth Control"; both
read 2026-11). A quota of any group above counts as well.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

# Where each of them is mounted by systemd and in containers.
_MOUNT: Final = "sys/fs/cgroup"
_CONTROLLER: Final = "cpu"


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Return how many cores' time this process may use, None without a limit.

    *root* is the folder that holds ``proc`` and ``sys``.
    """
    quotas = [quota for folder in _groups(root) if (quota := _quota(folder)) is not None]
    return min(quotas, default=None)


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders of the groups of this process, and of those above them."""
    lines = _text(root / "proc/self/cgroup").splitlines()
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") > 1):
        if controllers and _CONTROLLER not in controllers.split(","):
            continue
        # In a container the path may be that of the host, and the mount begin at the container's.
        group = PurePosixPath(path.strip().lstrip("/"))
        for mount in {controllers, _CONTROLLER if controllers else ""}:
            folder = root / _MOUNT / mount
            yield from (folder / each for each in (group, *group.parents))


def _quota(group: Path) -> float | None:
    first = _text(group / "cpu.max").split() or [
        _text(group / "cpu.cfs_quota_us").strip(),
        _text(group / "cpu.cfs_period_us").strip(),
    ]
    with suppress(ValueError, ZeroDivisionError):
        quota, period = map(int, first)
        # Version 1 writes -1 where version 2 writes "max".
        return quota / period if quota > 0 else None
    return None


def _text(path: Path) -> str:
    with suppress(OSError, UnicodeError):
        return path.read_text(encoding="ascii")
    return ""
