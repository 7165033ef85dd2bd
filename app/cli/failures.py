"""Expected failures of a command, each as its cause and what to do next; all others are bugs."""

import errno
from pathlib import Path
from typing import Final

from app.infra.database.failures import explanation
from app.infra.observability.logs import printable
from app.infra.settings.settings import ConfigError
from app.messenger.errors import GraphError
from app.messenger.graph.error_table import row_of_error

# Errors of the system about a file or a disk, which an operator causes and fixes.
_OF_FILES: Final = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EISDIR,
        errno.EMFILE,
        errno.ENOENT,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)


def sentence(exc: Exception) -> str | None:
    """Return the message for a command that failed with *exc*; None for a bug."""
    match exc:
        case ConfigError():
            return _of_settings(str(exc).splitlines())
        case GraphError():
            return f"Graph: {printable(str(exc))}. {row_of_error(exc).fix}"
        case OSError(errno=number, strerror=str(said)) if number in _OF_FILES:
            where = "" if exc.filename is None else f"{printable(str(exc.filename))}: "
            return f"{where}{said}"
    return explanation(exc)


def _of_settings(errors: list[str]) -> str:
    if any(error.endswith("is not set") for error in errors) and not Path(".env").exists():
        errors = [*errors, f"There is no .env in this folder ({Path.cwd()})."]
    if len(errors) == 1:
        return f"{errors[0]} (docs/settings.md)"
    lines = "\n".join(f"  {error}" for error in errors)
    return f"these settings need attention (docs/settings.md explains each):\n{lines}"
