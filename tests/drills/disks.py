"""Small disks that can be full and have room again, while the server that writes to them runs."""

import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from tests.drills.processes import family


class Disk(Protocol):
    """A *folder* that can be full."""

    folder: Path

    def fill(self) -> None: ...

    def free(self) -> None: ...


@dataclass(frozen=True)
class Mounted:
    """A file system of its own, of a few MiB; nobody can write to it when it is full."""

    folder: Path

    def fill(self) -> None:
        with suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)

    def free(self) -> None:
        (self.folder / "ballast").unlink()


@dataclass
class Limited:
    """A folder in which *process* and all that came of it cannot make their files longer."""

    folder: Path
    process: int = 0

    def fill(self) -> None:
        self._limit(4096)

    def free(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for one in family(self.process):
            _, hard = resource.prlimit(one, resource.RLIMIT_FSIZE)
            resource.prlimit(one, resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def mounted(mib: int) -> Iterator[Mounted]:
    """Yield a disk of *mib* MiB; it is there for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="threadlink-disk-") as folder:
        Path(folder).chmod(0o755)
        _run("mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0755", "tmpfs", folder)
        try:
            yield Mounted(Path(folder))
        finally:
            _run("umount", folder)


@cache
def may_mount() -> bool:
    """Tell whether this process may make file systems of its own."""
    try:
        with mounted(1):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - mount and umount
