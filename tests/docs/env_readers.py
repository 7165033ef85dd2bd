"""How a file of settings is read by those who may read it, for files of one statement a line.

Written after the documents of each, and compared once with the real ones: docker 28.2.2
(`docker create --env-file`) and systemd 252 (30-systemd-environment-d-generator, which shares the
reader of EnvironmentFile=, but for empty values). Compose reads by compose-go, which no Debian
package has.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from app.infra.settings.reader import read_env_file

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE: Final = re.compile(r"\$\$|\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")


class Unreadable(Exception):
    """The reader refuses the file, or it has quotes or a backslash, which are not imitated here."""


def ours(path: Path) -> Mapping[str, str]:
    """Read *path* as ``threadlink`` does, in its own folder or with ``-e``."""
    return read_env_file(str(path))


def docker(path: Path) -> Mapping[str, str]:
    """Read *path* as ``docker run --env-file``: no quotes, no comments behind values, no trimming.

    docs.docker.com/reference/cli/docker/container/run, "Set environment variables (-e, --env,
    --env-file)": "KEY=value" is passed "without any changes", read 2026-11.
    """
    read = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        said = line.lstrip()
        if not said or said.startswith("#"):
            continue
        name, equals, value = said.partition("=")
        if not name or re.search(r"[ \t]", name):
            raise Unreadable(line)
        if equals:
            read[name] = value
    return read


def compose(path: Path) -> Mapping[str, str]:
    """Read *path* as ``env_file:`` and ``.env`` of Compose.

    docs.docker.com/compose/how-tos/environment-variables/variable-interpolation, "Env file syntax":
    "VAR=VAL # comment" is VAL, "VAR=VAL# not a comment" is all of it, $NAME is replaced; read
    2026-11. What follows "=" is trimmed first, so that a comment there has no space before it and
    is the value (metronix-memory pull request 471).
    """
    read: dict[str, str] = {}
    for name, value in _statements(path, comments="#"):
        kept = value.lstrip().partition(" #")[0].rstrip()
        if kept[:1] in {'"', "'"} and kept:
            raise Unreadable(value)
        read[name] = _VARIABLE.sub(
            lambda found: read.get(found[1] or "", "$" * (not found[1])), kept
        )
    return read


def systemd(path: Path) -> Mapping[str, str]:
    r"""Read *path* as ``EnvironmentFile=``: a comment begins a line; a "\" escapes what follows.

    freedesktop.org, systemd.exec(5), "EnvironmentFile=", read 2026-11.
    """
    read = {}
    for name, value in _statements(path, comments="#;"):
        kept = value.strip(" \t")
        if "\\" in kept or (kept[:1] in {'"', "'"} and kept):
            raise Unreadable(value)
        read[name] = kept
    return read


def _statements(path: Path, *, comments: str) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip(" \t").removeprefix("export ").partition("=")
        if not line.strip() or line.strip()[0] in comments:
            continue
        if not equals or not _NAME.fullmatch(name.strip()):
            raise Unreadable(line)
        yield name.strip(), value


READERS: Final[Mapping[str, Callable[[Path], Mapping[str, str]]]] = {
    "threadlink": ours,
    "docker --env-file": docker,
    "Compose": compose,
    "EnvironmentFile=": systemd,
}
