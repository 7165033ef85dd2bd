"""The primary fails, or its standby does, under load: nothing is lost, and all comes back (R120).

In CI two drills by both hosts' names, with one server and one worker; `make drills-ha` runs all of
them, by each way, over two, and holds the times as well.
"""

from itertools import product
from typing import Final

import pytest

from tests import bot as bots
from tests.drills.high_availability import IS_LONG, pairs
from tests.drills.high_availability.drilled import drill
from tests.drills.high_availability.faults import FAULTS
from tests.drills.high_availability.figures import Row
from tests.drills.high_availability.installation import installed
from tests.drills.high_availability.pairs import Template
from tests.drills.high_availability.role_api import role_api
from tests.drills.high_availability.ways import WAYS

SHORT: Final = (("frozen", "hosts"), ("read-only", "hosts"))
ROWS: Final = tuple(product(FAULTS, WAYS)) if IS_LONG else SHORT


@pytest.mark.parametrize(("fault", "way"), ROWS)
def test_nothing_is_lost_and_all_comes_back_by_itself(
    template: Template, fault: str, way: str, rows: list[Row]
) -> None:
    """R120, R97: refused is 503 alone; what was acknowledged reaches the bot, and once."""
    happens, needs_host = FAULTS[fault].happens, FAULTS[fault].needs_host
    with (
        pairs.folder() as folder,
        pairs.pair(template, folder, may_vanish=needs_host) as pair,
        role_api(pair.primary) as first,
        role_api(pair.standby) as second,
        WAYS[way]([(pair.primary, first), (pair.standby, second)], folder) as leads,
        bots.running() as bot,
        installed(leads, folder, bot, count=2 if IS_LONG else 1) as installation,
    ):
        row = drill(fault, way, installation, pair.key, lambda load: happens(pair, load))
    rows.append(row)

    assert [] == row.wrong()
    if IS_LONG:
        assert [] == row.late()
