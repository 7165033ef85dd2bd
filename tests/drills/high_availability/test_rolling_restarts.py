"""Two servers and two workers are restarted one after the other, behind nginx and HAProxy (R121).

Both proxies stand before the same servers, with the shipped files and the second server's lines in
use. `make drills-ha` restarts all four times, at 150 requests a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from tests import bot as bots
from tests.conftest import on_postgresql
from tests.deploy.proxies import NAME, Front, standing
from tests.drills.acknowledgements import lost
from tests.drills.high_availability import IS_LONG
from tests.drills.high_availability.installation import Installation, installed
from tests.drills.high_availability.load import Load
from tests.drills.high_availability.pairs import fill
from tests.drills.high_availability.ways import Way

TIMES: Final = 4 if IS_LONG else 1
DELIVERIES_PER_SECOND, LOOK_UPS_PER_SECOND = (100, 50) if IS_LONG else (25, 10)
BEHIND_A_PROXY: Final = {
    "PUBLIC_URL": f"https://{NAME}",
    "TRUSTED_PROXIES": "1",
    "GRAPH_URL": "https://graph.invalid",
    "GRAPH_URL_TRUSTED": "graph.invalid",
    "WORKERS": "1",
}


@on_postgresql
def test_no_request_fails_while_all_are_restarted_one_by_one(database: URL, tmp_path: Path) -> None:
    """R121: each of them, through either proxy, is answered 200 at once; the bot gets all, once."""
    key = fill(database)
    with (
        bots.running() as bot,
        installed(Way(database, BEHIND_A_PROXY), tmp_path, bot) as installation,
        standing_before("nginx", installation, tmp_path) as nginx,
        standing_before("haproxy", installation, tmp_path) as haproxy,
    ):
        load = Load(
            [front.browser for front in (nginx, haproxy)],
            key,
            DELIVERIES_PER_SECOND,
            LOOK_UPS_PER_SECOND,
        )
        with load.running():
            load.wait_for(DELIVERIES_PER_SECOND)
            for _ in range(TIMES):
                installation.restart()
            load.wait_for(DELIVERIES_PER_SECOND)
        installation.settle(database, load)
        twice, errors = installation.twice(), installation.errors()

    print(  # noqa: T201 - the figures of the drill
        f"\nnginx and HAProxy, {TIMES} rolling restarts: {load.statuses()}, {twice} posted twice"
    )
    assert {200} == set(load.statuses())
    assert ({}, 0, 0, {}) == (lost(load.acks, database), load.abandoned, twice, errors)


@contextmanager
def standing_before(program: str, installation: Installation, folder: Path) -> Iterator[Front]:
    """Yield *program* before both servers, with the lines in use that name a second one."""
    one, two = (each.server.port for each in installation.both)
    first, second = f"server one 127.0.0.1:{one}", f"server two 127.0.0.1:{two}"
    lines = {
        "nginx": {"# server 10.0.0.22:8000": f"server 127.0.0.1:{two}"},
        "haproxy": {
            f"{first}\n": f"{first} check\n",
            f"{first} maxconn 8": f"{first} maxconn 8 track threadlink/one",
            "# server two 10.0.0.22:8000": second,
        },
    }
    here = folder / program
    here.mkdir()
    with standing(program, one, here, lines[program]) as front:
        yield front
