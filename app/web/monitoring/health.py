"""Whether the process lives, and whether it can do its work; neither says more than that."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.infra import clock
from app.infra.database import schema
from app.outbox import retention
from app.web.current import services

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    return {"status": "ok"}


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """Answer 200 when the database takes writes; else the error table says 503.

    A queue that nobody works on is told, but is no reason to keep people from linking.
    """
    services().write(_touch)
    oldest_at = min(
        (
            queue.oldest_at
            for queue in services().read(retention.queues)
            if queue.state == "waiting"
        ),
        default=clock.now(),
    )
    return {"status": "ok", "queue": "late" if clock.now() - oldest_at > retention.LATE else "ok"}


def _touch(session: Session) -> None:
    schema.try_writing(session.connection())
