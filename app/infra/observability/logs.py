"""Structured logs: one line per event, without secrets.

Callers log names and numbers, never a query string, a header, or the text of an exception that a
stranger can influence.
"""

import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO, TypeAlias, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

from app.infra.observability.log_sampling import Sampler

LEVELS: Final = logging.getLevelNamesMapping()

Report: TypeAlias = Callable[[str, BaseException], None]


def configure(*, level: str, form: str | None, report: Report | None = None) -> None:
    """Log to stderr, from *level* up, in the format ``json`` or ``console``.

    None for *form* means ``console`` on a terminal, else ``json``.
    *report* is called with the event and the exception of each line that has one.
    """
    form = form or ("console" if sys.stderr.isatty() else "json")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        Sampler(time.monotonic),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_control_characters,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        # If rich is installed, the default formatter shows the variables of all frames.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, _reporting(report), structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(_lossy(sys.stderr)),
        cache_logger_on_first_use=False,
    )
    # Libraries log through the standard library; their lines get the same form.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=renderer,
            foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class _Lossy:
    """A stream that loses what it cannot write: a full disk must not end a request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _lossy(stream: TextIO) -> TextIO:
    return cast("TextIO", _Lossy(stream))


def printable(text: str) -> str:
    """Return *text* for a log or a terminal, each control character replaced by U+FFFD.

    Replaced and not removed, unlike in names on pages: here it has to be seen that they were there.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _reporting(report: Report | None) -> structlog.typing.Processor:
    def report_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        exc_info = event.get("exc_info")
        exc = exc_info if isinstance(exc_info, BaseException) else sys.exc_info()[1]
        if report and exc_info and exc:
            report(str(event["event"]), exc)
        return event

    return report_exception


def _without_control_characters(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace them in every value, so that no name can begin a log line of its own."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = printable(value)
    return event
