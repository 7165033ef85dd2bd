"""Private files: readable by their owner alone, and complete as soon as they have their name.

They are begun under a random name that must not exist (`mkstemp`: O_CREAT, O_EXCL, O_NOFOLLOW, mode
0600), so neither an old file nor a link of another user can receive what is written (CWE-59,
CWE-377).
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An open file, and the path at which it was made."""

    handle: int
    path: Path

    def is_at(self, path: Path) -> bool:
        """Return whether *path* is this very file: not a link, and not another one."""
        try:
            return os.path.samestat(path.lstat(), os.fstat(self.handle))
        except FileNotFoundError:
            return False


class Replaced(Exception):
    """Another user has put something else in the place of a file that was being written."""


@contextmanager
def unfinished(target: Path) -> Iterator[Unfinished]:
    """Yield a new, empty file, which replaces *target* when the block ends without an exception.

    Raises:
        Replaced: Another user, who may write to the folder, has moved the file.
    """
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    file = Unfinished(handle, Path(name))
    try:
        try:
            yield file
            os.fsync(handle)
            if not file.is_at(file.path):
                raise Replaced
        finally:
            # Before it is renamed: Windows renames no open file.
            os.close(handle)
        file.path.replace(target)
    except BaseException:
        # Whatever stands there now, possibly a folder of another user.
        with suppress(OSError):
            file.path.unlink()
        raise
    _fsync_folder(target.parent)


def write(target: Path, text: str) -> None:
    """Write *text* to *target*, at once; make its folder, for the owner alone, if there is none."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with unfinished(target) as file, open(file.handle, "wb", closefd=False) as stream:
        stream.write(text.encode())


def create(target: Path, text: str) -> None:
    """Write *text* to *target*, which must not exist; a failure leaves no file there.

    Raises:
        FileExistsError: There is a file, a folder or a link of that name.
    """
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        target.unlink()
        raise
    _fsync_folder(target.parent)


def _fsync_folder(folder: Path) -> None:
    """Put a new name on the disk as well; Windows opens no folders."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
