"""One line per event, with a request id, and no secret in it: names and numbers are passed, never
a query string, a header or the text of an exception that a stranger had a hand in.
"""

import logging
import sys
import time
from collections.abc import Callable
from typing import Final, TypeAlias

import structlog
from structlog.typing import EventDict, WrappedLogger

from app.infra.observability.log_sampling import Sampler

LEVELS: Final = logging.getLevelNamesMapping()

Report: TypeAlias = Callable[[str, BaseException], None]


def configure(*, level: str, form: str, report: Report | None = None) -> None:
    """Write log lines to stderr, from *level* up, as ``json`` or for a ``console``.

    *report* is told of each fault that a line is about, beside the line.
    """
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
        # Else, where rich is installed, it shows the variables of every frame: keys, passwords.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, _reporting(report), structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries speak through the standard library; their lines join ours.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=renderer,
            foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _reporting(report: Report | None) -> structlog.typing.Processor:
    def tell(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        given = event.get("exc_info")
        fault = given if isinstance(given, BaseException) else sys.exc_info()[1]
        if report and given and fault:
            report(str(event["event"]), fault)
        return event

    return tell


def _without_control_characters(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep whoever chose a name from starting a log line of his own."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = "".join(
                c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value
            )
    return event
