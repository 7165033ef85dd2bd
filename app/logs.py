"""One line per event, with a request id, and no secret in it: names and numbers are passed, never
a query string, a header or the text of an exception that a stranger had a hand in.
"""

import logging
import sys
import time
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from app.sampling import Sampler

LEVELS: Final = logging.getLevelNamesMapping()


def configure(*, level: str, form: str) -> None:
    """Write log lines to stderr, from *level* up, as ``json`` or for a ``console``."""
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
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries speak through the standard library; their lines join ours.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared)
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _without_control_characters(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep whoever chose a name from starting a log line of his own."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = "".join(
                c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value
            )
    return event
