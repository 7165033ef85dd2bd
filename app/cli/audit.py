"""The audit log: a line for each command that changes something, with actor and result (R111)."""

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

# The operator could discard a command's stderr, so the line goes to the system's log: see
# journalctl -t threadlink, or auth.log.
SYSTEM_LOG: Path = Path("/dev/log")
_IDENT: Final = "threadlink: "


class _SystemLog:
    """A structlog logger that writes to syslog."""

    @staticmethod
    def info(line: str) -> None:
        handler = SysLogHandler(str(SYSTEM_LOG), facility=SysLogHandler.LOG_AUTHPRIV)
        handler.ident = _IDENT
        with closing(handler):
            handler.emit(logging.LogRecord("threadlink", logging.INFO, "", 0, line, None, None))


class _Stderr:
    """A structlog logger for machines without syslog, such as containers."""

    @staticmethod
    def info(line: str) -> None:
        click.echo(line, err=True)


def audited(command: Callable[P, R]) -> Callable[P, R]:
    """Write an audit line for every run of *command*; must be its innermost decorator."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        result = "failed"
        try:
            answer = command(*args, **kwargs)
            result = "done"
        finally:
            _write_line(result)
        return answer

    return run


def _write_line(result: str) -> None:
    context = click.get_current_context()
    # Arguments may be logged: no command takes a secret as an argument, since others can see it.
    given = {name: str(value) for name, value in context.params.items() if value not in _UNSET}
    command = context.command_path.partition(" ")[2]
    # Independent of the settings: the command may have failed because of them, and LOG_LEVEL must
    # not suppress the line.
    log = structlog.wrap_logger(
        _SystemLog() if SYSTEM_LOG.is_socket() else _Stderr(),
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    log.info("command.run", command=command, given=given, actor=_actor(), result=result)


_PROCESSORS: Final[list[structlog.typing.Processor]] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.JSONRenderer(),
]
_UNSET: Final = (None, False, ())


def _actor() -> str:
    """Return the user who logged in at the terminal, also under sudo, or else the process owner."""
    try:
        return os.getlogin()
    except OSError:
        pass
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container the uid may have no user name.
        return str(os.getuid())
