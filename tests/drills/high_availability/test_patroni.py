"""The same under Debian's Patroni, etcd and HAProxy, as docs/high-availability.md sets them up.

`make drills-patroni` runs it: apt-get install patroni etcd-server haproxy.
"""

from time import monotonic
from typing import Final

import pytest
from sqlalchemy import URL

from tests import bot as bots
from tests.drills.high_availability import pairs
from tests.drills.high_availability.drilled import drill
from tests.drills.high_availability.figures import Row
from tests.drills.high_availability.installation import installed
from tests.drills.high_availability.pairs import Template
from tests.drills.high_availability.patroni import Cluster, cluster
from tests.drills.high_availability.ways import by_haproxy, by_hosts

WAYS: Final = ("hosts", "haproxy")
FAULTS: Final = ("switchover", "postgresql-killed", "node-killed")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS)
def test_patroni_fails_over_and_nothing_is_lost(
    template: Template, fault: str, way: str, rows: list[Row]
) -> None:
    """R120, R97: how long it takes is Patroni's matter; what comes after its promotion, ours."""
    with (
        pairs.folder() as folder,
        cluster(template.node.programs, folder) as patroni,
        (by_hosts if way == "hosts" else by_haproxy)(
            [(member.node, member.told) for member in patroni.members], folder
        ) as leads,
        bots.running() as bot,
        installed(leads, folder, bot) as installation,
    ):
        row = drill(fault, way, installation, patroni.key, lambda _: _happens(fault, patroni))
    rows.append(row)

    assert [] == row.wrong()
    assert [] == row.late()


def _happens(fault: str, cluster: Cluster) -> tuple[URL, float]:
    first, begun = cluster.members[0], monotonic()
    if fault == "switchover":
        cluster.switch_over()
    elif fault == "postgresql-killed":
        first.node.kill()
    else:
        first.kill()
    leader = cluster.await_leader(other_than=first)
    promoted = monotonic()
    print(f"\n{fault}: Patroni took {promoted - begun:.1f} s to promote")  # noqa: T201 - the figures
    return leader.node.url, promoted
