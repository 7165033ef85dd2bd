"""The faults of a primary, and the steps of an operator or Patroni then; each returns when.

Whoever watches over the pair takes `NOTICED_AFTER_SECONDS` to see that the primary is gone.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from sqlalchemy import URL

from tests.drills.high_availability import IS_LONG
from tests.drills.high_availability.load import Load
from tests.drills.high_availability.pairs import Pair

NOTICED_AFTER_SECONDS: Final = 3.0 if IS_LONG else 0.5
STANDBY_GONE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Done to a pair under load; returns the database that takes writes afterwards, and when."""

    happens: Callable[[Pair, Load], tuple[URL, float]]
    # Whether the primary must be a host of its own, which only root can make.
    needs_host: bool = False


def killed(pair: Pair, load: Load) -> tuple[URL, float]:
    """Kill the primary with SIGKILL."""
    pair.primary.kill()
    pair.primary.is_primary = False
    return _promoted(pair, load)


def vanished(pair: Pair, load: Load) -> tuple[URL, float]:
    """Pull the primary's cable: its packets are dropped, and nothing says so."""
    pair.primary.place.pull_cable()
    pair.primary.is_primary = None
    return _promoted(pair, load)


def frozen(pair: Pair, load: Load) -> tuple[URL, float]:
    """Freeze the primary: its kernel still takes connections and bytes."""
    pair.primary.freeze()
    pair.primary.is_primary = None
    return _promoted(pair, load)


def switched_over(pair: Pair, _load: Load) -> tuple[URL, float]:
    """Stop the primary as for maintenance; the old one comes back as the other's standby."""
    pair.primary.is_primary = False
    pair.primary.stop()
    pair.standby.promote()
    at = monotonic()
    pair.primary.follow(pair.standby)
    pair.primary.start()
    return pair.standby.url, at


def made_read_only(pair: Pair, load: Load) -> tuple[URL, float]:
    """Let the primary take no writes, as clouds do with one whose disk is full."""
    pair.primary.execute(
        "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"
    )
    pair.primary.is_primary = False
    return _promoted(pair, load)


def standby_gone(pair: Pair, load: Load) -> tuple[URL, float]:
    """Kill the standby: each COMMIT waits for it until it is back, and nothing is acknowledged."""
    pair.standby.kill()
    load.wait_for_refusals()
    since = monotonic()
    threading.Event().wait(STANDBY_GONE_SECONDS)
    assert 0 == load.acknowledged_since(since)
    pair.standby.start()
    pair.primary.await_standby()
    return pair.primary.url, monotonic()


FAULTS: Final[dict[str, Fault]] = {
    "killed": Fault(killed),
    "vanished": Fault(vanished, needs_host=True),
    "frozen": Fault(frozen),
    "switched-over": Fault(switched_over),
    "read-only": Fault(made_read_only),
    "standby-gone": Fault(standby_gone),
}


def _promoted(pair: Pair, load: Load) -> tuple[URL, float]:
    load.wait_for_refusals()
    threading.Event().wait(NOTICED_AFTER_SECONDS)
    pair.standby.promote()
    return pair.standby.url, monotonic()
