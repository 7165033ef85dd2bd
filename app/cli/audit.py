"""A line for each command that changes something: who, what, with which result (R111)."""

import functools
import getpass
import logging
import os
from collections.abc import Callable
from contextlib import closing
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import click
import structlog

P = ParamSpec("P")
R = TypeVar("R")

# A command's stderr is its operator's own, so the line goes where the machine keeps such things:
# journalctl -t threadlink, or auth.log.
SYSTEM_LOG: Path = Path("/dev/log")
_IDENT: Final = "threadlink: "


class _SystemLog:
    """What structlog hands a finished line to."""

    @staticmethod
    def info(line: str) -> None:
        handler = SysLogHandler(str(SYSTEM_LOG), facility=SysLogHandler.LOG_AUTHPRIV)
        handler.ident = _IDENT
        with closing(handler):
            handler.emit(logging.LogRecord("threadlink", logging.INFO, "", 0, line, None, None))


class _Stderr:
    """The same, where the machine has no log: whatever keeps what the command says keeps it."""

    @staticmethod
    def info(line: str) -> None:
        click.echo(line, err=True)


def audited(command: Callable[P, R]) -> Callable[P, R]:
    """Have every run of *command* written down; stands directly above the function."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        result = "failed"
        try:
            answer = command(*args, **kwargs)
            result = "done"
        finally:
            _tell(result)
        return answer

    return run


def _tell(result: str) -> None:
    context = click.get_current_context()
    # No secret is ever an argument (design §5), so what was given may be written down.
    given = {name: str(value) for name, value in context.params.items() if value not in _NOTHING}
    words = context.command_path.partition(" ")[2]
    # Not as the settings say: they may be what the command failed for, or want less written.
    log = structlog.wrap_logger(
        _SystemLog() if SYSTEM_LOG.is_socket() else _Stderr(),
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    log.info("command.run", command=words, given=given, actor=_actor(), result=result)


_PROCESSORS: Final[list[structlog.typing.Processor]] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.JSONRenderer(),
]
_NOTHING: Final = (None, False, ())


def _actor() -> str:
    """Return who sits at the terminal, also behind sudo; where there is none, who runs it."""
    try:
        return os.getlogin()
    except OSError:
        pass
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container the uid may have no name.
        return str(os.getuid())
