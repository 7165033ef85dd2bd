"""The server is killed under load; what it has acknowledged is there (security.md R116)."""

import os
from pathlib import Path

from sqlalchemy import URL

from tests import shipped
from tests.drills.ledger import Audit, Ledger, kill, load_on, wait_for

# `make drills` asks for 200.
CYCLES = int(os.environ.get("DRILL_CYCLES", "3"))
BOT = {"BOT_MESSENGER_URL": "http://127.0.0.1:9/", "WORKERS": "2"}


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    database: URL, tmp_path: Path
) -> None:
    """R116: two processes, so that they are also killed while they wait for each other."""
    ledger = Ledger()
    for number in range(CYCLES):
        folder = tmp_path / str(number)
        folder.mkdir()
        server = shipped.start(database, folder, **BOT)
        with load_on(server, ledger):
            wait_for(ledger, 30)
            kill(server.process)

    found = ledger.audit(database)

    print(f"{CYCLES} kills, {found.acknowledged} acknowledged, {len(found.lost)} lost")  # noqa: T201 - a figure of the drill
    assert Audit(found.acknowledged, frozenset()) == found
    assert {200} == ledger.statuses
