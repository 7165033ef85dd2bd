"""Health checks: liveness of the process, and readiness to serve. They reveal nothing else."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.infra import clock
from app.infra.database import schema
from app.outbox import inspection
from app.web.current import services

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def liveness() -> ResponseReturnValue:
    return {"status": "ok"}


@bp.get("/readyz")
def readiness() -> ResponseReturnValue:
    """Answer 200 if the database accepts writes; otherwise the table of problems answers 503.

    An outbox that is late is reported, but does not make the server unready: people can still link.
    """
    services().write(_try_writing)
    oldest_at = min(
        (
            queue.oldest_at
            for queue in services().read(inspection.queue_stats)
            if queue.state == "waiting"
        ),
        default=clock.now(),
    )
    is_late = clock.now() - oldest_at > inspection.LATE_AFTER
    return {"status": "ok", "queue": "late" if is_late else "ok"}


def _try_writing(session: Session) -> None:
    schema.try_writing(session.connection())
