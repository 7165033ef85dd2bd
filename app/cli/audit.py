"""The audit log: a line for each command that changes something, with actor and result (R111)."""

import functools
import getpass
import logging
import os
import sys
from collections.abc import Callable
from contextlib import closing
from logging.handlers import SysLogHandler
from pathlib import Path
from typing import ClassVar, Final, Literal, ParamSpec, TypeAlias, TypeVar

import click
import structlog
from structlog.typing import EventDict, WrappedLogger

from app.infra.observability.logs import printable

P = ParamSpec("P")
R = TypeVar("R")
Result: TypeAlias = Literal["done", "failed"]

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
    """A structlog logger for machines without syslog, such as containers; see `print_lines`."""

    lines: ClassVar[list[str]] = []

    @classmethod
    def info(cls, line: str) -> None:
        cls.lines.append(line)


def print_lines() -> None:
    """Print the audit lines that go to stderr: at the end, not in the midst of an answer."""
    while _Stderr.lines:
        click.echo(_Stderr.lines.pop(0), err=True)


def audited(command: Callable[P, R]) -> Callable[P, R]:
    """Write an audit line for every run of *command*; must be its innermost decorator."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        result: Result = "failed"
        is_expected = False
        try:
            answer = command(*args, **kwargs)
            result, is_expected = "done", True
        except (click.ClickException, click.Abort):
            is_expected = True
            raise
        finally:
            _write_line(result)
            if is_expected:
                # Else it is the database itself that does not do.
                _write_row(result)
        return answer

    return run


def _write_row(result: Result) -> None:
    """Add a row to the audit that the console shows; the line stands whether or not this works.

    It has the command alone: what it was given may be a name. A command that works without the
    database has none.
    """
    context = click.get_current_context()
    if context.obj is None:
        return
    # Loaded by then; --help does without.
    from app.infra import clock  # noqa: PLC0415
    from app.infra.database.failures import explanation  # noqa: PLC0415
    from app.operators import audit  # noqa: PLC0415
    from app.operators.acts import Actor  # noqa: PLC0415
    from app.services.container import Services  # noqa: PLC0415

    if not isinstance(context.obj, Services):
        return
    name = _actor()
    actor = Actor(actor=f"os:{name}", name=name, role="command")
    act = f"command:{context.command_path.partition(' ')[2]}"
    try:
        context.obj.write(audit.record, actor, act, result=result, at=clock.now())
    except Exception as exc:  # noqa: BLE001 - whatever it is, the command has done what it did
        why = explanation(exc) or type(exc).__name__
        click.echo(f"Not in the console's audit: {why}", err=True)


def _write_line(result: Result) -> None:
    context = click.get_current_context()
    # Arguments may be logged: no command takes a secret as an argument, since others can see it.
    given = {name: str(value) for name, value in context.params.items() if value not in _UNSET}
    command = context.command_path.partition(" ")[2]
    # Independent of the settings: the command may have failed because of them, and LOG_LEVEL must
    # not suppress the line.
    has_log = SYSTEM_LOG.is_socket()
    is_read = not has_log and sys.stderr.isatty()
    log = structlog.wrap_logger(
        _SystemLog() if has_log else _Stderr(),
        processors=[*_PROCESSORS, _for_people if is_read else structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    log.info("command.run", command=command, given=given, actor=_actor(), result=result)


_PROCESSORS: Final[list[structlog.typing.Processor]] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_UNSET: Final = (None, False, ())


def _for_people(_: WrappedLogger, __: str, event: EventDict) -> str:
    """Return the line for a terminal, where the operator has typed the command just now."""
    return printable("Noted: {command}, by {actor}: {result}.".format(**event))


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
