"""An attempt of every cause, stored as one that happened in the last days."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from app.infra.database.portions import in_portions
from app.linking import settling
from app.linking.models import Attempt, AttemptEvent, Intake
from app.services.container import Services
from tests.installation import NOON
from tests.linking.test_causes import CASES, SEEN

# Older than what may still become a link; each with an hour of its own, for its deliveries.
OLDEST: Final = settling.LAST_EVENT + timedelta(hours=3)
APART: Final = timedelta(minutes=30)
_STILL_WAITS: Final = "waiting"


def make_every_cause(services: Services, at: datetime) -> dict[str, str]:
    """Store an attempt of each cause, and settle what is over; return the references by cause."""
    references = services.write(_store, at)
    for _ in in_portions(services.writer, settling.unsettled(at)):
        pass
    return references


def _store(session: Session, at: datetime) -> dict[str, str]:
    references = {}
    for number, (slug, (row, *events)) in enumerate(CASES.items()):
        reference = f"cccc-{number:04d}"
        age = timedelta(seconds=60) if slug == _STILL_WAITS else OLDEST + number * APART
        if row is None:
            age = timedelta(minutes=30)
        moved = at - age - NOON
        if row is not None:
            session.add(_moved(Attempt, row, moved, **_keys(number, reference)))
        for event in events:
            session.add(_moved(AttemptEvent, event, moved, reference=reference))
        if seen := SEEN.get(slug):
            minute = (NOON + moved + timedelta(minutes=1)).replace(second=0, microsecond=0)
            for outcome, count in (("current", seen.taken), ("refused", seen.refused)):
                if count:
                    session.add(Intake(minute_at=minute, outcome=outcome, deliveries=count))
        references[slug] = reference
    return references


def _keys(number: int, reference: str) -> dict[str, str]:
    return {
        "id": f"id{number:030d}",
        "reference": reference,
        "secret_hash": "",
        "token_hash": f"{number:064d}",
    }


def _moved(table: type[Any], row: Any, by: timedelta, **changed: str) -> Any:
    columns = {
        column: getattr(row, column)
        for column in table.__table__.columns.keys()  # noqa: SIM118 - a collection of columns
        if getattr(row, column) is not None
    }
    times = {name: value + by for name, value in columns.items() if isinstance(value, datetime)}
    return table(**{**columns, **times, **changed})
