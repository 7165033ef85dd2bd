"""One drill: all is well under load, something happens, all is well again; then the accounts."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import URL

from tests.drills.acknowledgements import lost
from tests.drills.high_availability import IS_LONG, figures
from tests.drills.high_availability.figures import Row
from tests.drills.high_availability.installation import Installation
from tests.drills.high_availability.load import Load, straight

# Before it happens, and after all is well again.
DELIVERIES: Final = 250 if IS_LONG else 25

# Does it; returns the database that takes writes afterwards, and since when (monotonic seconds).
Happening = Callable[[Load], tuple[URL, float]]


def drill(fault: str, way: str, installation: Installation, key: str, happens: Happening) -> Row:
    """Let *fault* happen to the database of *installation*, which ends after it; return figures."""
    load = Load(straight(installation.origins), key)
    with load.running():
        load.wait_for(DELIVERIES)
        database, at = happens(load)
        load.wait_for(DELIVERIES)
    installation.settle(database, load)
    row = Row(
        fault,
        way,
        figures.back(load.writes, at),
        figures.back(load.reads, at),
        max(answered.seconds for answered in load.reads),
        load.acks.acknowledged,
        len(lost(load.acks, database)),
        installation.twice(),
        load.abandoned,
        load.statuses(),
        installation.end(),
        installation.errors(),
    )
    # Before the table at the end, which comes late.
    print(f"\n{figures.table([row])}", flush=True)  # noqa: T201 - the figures of the drill
    return row
