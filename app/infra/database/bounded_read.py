"""Reads that end in time on either database: what takes longer is given up by the server."""

import sqlite3
import time
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from app.infra.database.time_limits import within

P = ParamSpec("P")
R = TypeVar("R")

# Instructions of SQLite's virtual machine between two looks at the clock: a fraction of a
# millisecond.
_STEPS: Final = 10_000


def bounded(
    session: Session,
    seconds: float,
    query: Callable[Concatenate[Session, P], R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Return what *query* returns within *seconds*; for `Writer.read`, which raises NotCommitted.

    SQLite has no limit for a statement; it asks a function of the connection whether to go on.
    """
    with within(seconds):
        driver = session.connection().connection.driver_connection
        if not isinstance(driver, sqlite3.Connection):
            return query(session, *args, **kwargs)
        ends_at = time.monotonic() + seconds
        driver.set_progress_handler(lambda: int(time.monotonic() > ends_at), _STEPS)
        try:
            return query(session, *args, **kwargs)
        finally:
            driver.set_progress_handler(None, 0)
