"""The primary fails, or its standby does, under load: nothing is lost, and all comes back (R120).

In CI three drills over both hosts' names, with one server and one worker; `make drills-ha` runs all
of them, by each way, over two, and holds the times as well.
"""

import os
from itertools import product
from typing import Final

import pytest

from tests import bot as bots
from tests.drills.acknowledgements import lost
from tests.drills.high_availability import figures, pairs
from tests.drills.high_availability.faults import FAULTS
from tests.drills.high_availability.figures import Row
from tests.drills.high_availability.installation import installed
from tests.drills.high_availability.load import Load, straight
from tests.drills.high_availability.pairs import Template
from tests.drills.high_availability.ways import WAYS

IS_LONG: Final = "DRILL_HA" in os.environ
SHORT: Final = (("frozen", "hosts"), ("read-only", "hosts"))
ROWS: Final = list(product(FAULTS, WAYS)) if IS_LONG else SHORT
# Before the fault, and after all is well again.
DELIVERIES: Final = 250 if IS_LONG else 25


@pytest.mark.parametrize(("fault", "way"), ROWS)
def test_nothing_is_lost_and_all_comes_back_by_itself(
    template: Template, fault: str, way: str, rows: list[Row]
) -> None:
    """R120, R97: refused is 503 alone; what was acknowledged reaches the bot, and once."""
    happens, needs_host = FAULTS[fault].happens, FAULTS[fault].needs_host
    with (
        pairs.folder() as folder,
        pairs.pair(template, folder, may_vanish=needs_host) as pair,
        WAYS[way](pair, folder) as leads,
        bots.running() as bot,
        installed(leads, folder, bot, count=2 if IS_LONG else 1) as installation,
    ):
        load = Load(straight(installation.origins), pair.key)
        with load.running():
            load.wait_for(DELIVERIES)
            primary, at = happens(pair, load)
            load.wait_for(DELIVERIES)
        installation.settle(primary.url, load)
        row = Row(
            fault,
            way,
            figures.back(load.writes, at),
            figures.back(load.reads, at),
            max(answered.seconds for answered in load.reads),
            load.acks.acknowledged,
            len(lost(load.acks, primary.url)),
            installation.twice(),
            load.statuses(),
            installation.end(),
        )
        errors = installation.errors()
    rows.append(row)

    assert (0, 0, 0) == (row.lost, row.twice, load.abandoned)
    assert {200, 503} >= set(row.answers)
    assert {} == errors
    if IS_LONG:
        assert [] == row.late()
