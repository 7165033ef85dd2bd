"""Reads of the console's pages: each has two seconds, and a part that fails leaves the page."""

from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

import structlog
from sqlalchemy.orm import Session

from app.infra.database.bounded_read import bounded
from app.infra.database.writer import NotCommitted
from app.web.current import services

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger()

LIMIT_S: Final = 2.0


def read(query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what *query* returns within two seconds.

    Raises:
        NotCommitted: It took longer, or the database cannot be reached.
    """

    def within(session: Session) -> R:
        return bounded(session, LIMIT_S, query, *args, **kwargs)

    return services().read(within)


def part(
    query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
) -> R | None:
    """Return the same; None where it fails, which the page says in its place."""
    try:
        return read(query, *args, **kwargs)
    except NotCommitted:
        log.warning("console.part_failed", part=getattr(query, "__name__", "query"))
        return None
