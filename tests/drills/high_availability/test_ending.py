"""Server and worker are told to stop while the database does not answer (R121).

`make drills-ha` runs it.
"""

import pytest

from tests import bot as bots
from tests.drills.high_availability import figures, pairs
from tests.drills.high_availability.installation import installed
from tests.drills.high_availability.load import Load, straight
from tests.drills.high_availability.pairs import Template
from tests.drills.high_availability.ways import by_hosts


@pytest.mark.parametrize("fault", ["frozen", "vanished"])
def test_they_end_in_time_while_the_database_is_silent(template: Template, fault: str) -> None:
    """R121: each waits for the database no longer than it may, and ends with status 0."""
    with (
        pairs.folder() as folder,
        pairs.pair(template, folder, may_vanish=fault == "vanished") as pair,
        by_hosts([(pair.primary, 0), (pair.standby, 0)], folder) as leads,
        bots.running() as bot,
        installed(leads, folder, bot) as installation,
    ):
        load = Load(straight(installation.origins), pair.key, patience_seconds=0)
        with load.running():
            load.wait_for(50)
            if fault == "frozen":
                pair.primary.freeze()
            else:
                pair.primary.place.pull_cable()
            load.wait_for_refusals()
            took = installation.end()

    print(f"\n{fault}, and told to stop: they ended in {took:.1f} s")  # noqa: T201 - the figures
    assert took <= figures.END_SECONDS
