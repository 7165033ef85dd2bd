"""Health checks: liveness of the process, and readiness to serve. They reveal nothing else."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.delivery_log.log import Reason
from app.infra import clock
from app.infra.database import schema
from app.infra.database.writer import NotCommitted
from app.outbox.overdue import Overdue, overdue
from app.web.current import services
from app.web.remembered import Remembered

bp = Blueprint("health", __name__)

# A write in so many seconds, however many ask: each is a commit, and anybody may.
REMEMBERED_SECONDS: Final = 3.0
_LOG_SECONDS: Final = 1.0
_EXTENSION: Final = "threadlink-readiness"


@dataclass(frozen=True, slots=True)
class Readiness:
    """The readiness to serve: of the database to accept writes, and of the outbox."""

    takes_writes: bool
    # Why the delivery log takes nothing; None if it does, or there is none.
    log_refuses: Reason | None = None
    overdue: tuple[Overdue, ...] = ()


def register(app: Flask) -> None:
    """Have *app* remember for a few seconds whether it is ready."""
    app.extensions[_EXTENSION] = Remembered(_find_out, REMEMBERED_SECONDS)


@bp.get("/healthz")
def liveness() -> ResponseReturnValue:
    """Answer 200 while all loops of this process move; 503 if only a restart helps."""
    if not services().pulses.all_move():
        return {"status": "stalled"}, HTTPStatus.SERVICE_UNAVAILABLE
    return {"status": "ok"}


@bp.get("/readyz")
def readiness() -> ResponseReturnValue:
    """Answer 200 if the database accepts writes; otherwise the table of problems answers 503.

    An outbox that is late and a log that takes no deliveries are reported, but do not make the
    server unready: people can still link.
    """
    remembered: Remembered[Readiness] = current_app.extensions[_EXTENSION]
    found = remembered()
    if not found.takes_writes:
        raise NotCommitted("when the database was asked last")
    log = {"log": found.log_refuses or "ok"} if services().delivery_log else {}
    if not found.overdue:
        return {"status": "ok", "queue": "ok", **log}
    overdue = [_as_json(each) for each in found.overdue]
    return {"status": "ok", "queue": "late", "overdue": overdue, **log}


def _find_out() -> Readiness:
    try:
        services().write(_try_writing)
        late = services().read(overdue, at=clock.now())
        log = services().delivery_log
        refuses = log.look(within=_LOG_SECONDS).reason if log else None
        return Readiness(takes_writes=True, log_refuses=refuses, overdue=late)
    except NotCommitted:
        return Readiness(takes_writes=False)


def _as_json(item: Overdue) -> dict[str, str]:
    since = item.since.isoformat(timespec="seconds")
    return {"kind": item.kind, "since": since, "why": item.why}


def _try_writing(session: Session) -> None:
    schema.try_writing(session.connection())
