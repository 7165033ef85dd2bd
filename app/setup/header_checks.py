"""The checks of what Graph's headers tell: the version that answers, and the time at Meta."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from app.infra.network.meta_addresses import GRAPH_VERSION, VERSION_ENDS
from app.messenger.graph.transport import Observation
from app.setup.findings import Finding, ok, problem, warning

VERSION_ENDS_SOON: Final = timedelta(days=60)
# Our clock may differ from Meta's by 120 s before codes are refused: a code counts from 120 s
# before Meta's timestamp of its event.
SKEW_NOTICED: Final = timedelta(seconds=30)
SKEW_TOO_MUCH: Final = timedelta(seconds=100)


@dataclass(slots=True)
class HeaderObserver:
    """The API version and the date in the newest Graph response; None until one has them."""

    version: str | None = None
    date: str | None = None

    def observe(self, seen: Observation) -> None:
        self.version = seen.version or self.version
        self.date = seen.date or self.date


def check_version(
    observed: HeaderObserver, asked_version: str, *, at: datetime
) -> Iterator[Finding]:
    """Yield whether Graph answers as *asked_version*, and for how long; nothing if it is silent.

    By `threadlink doctor`, and daily by the worker.
    """
    subject, newest = "Graph version", f"GRAPH_VERSION={GRAPH_VERSION}"
    if observed.version is None:
        return
    if observed.version != asked_version:
        words = f"{asked_version} has expired or does not exist; Graph answers as "
        yield problem(subject, f"{words}{observed.version}", newest)
        return
    ends_at = VERSION_ENDS.get(asked_version)
    if ends_at is None or ends_at - at > VERSION_ENDS_SOON:
        yield ok(subject, f"{asked_version} is served")
        return
    words = f"{asked_version} ends on {ends_at:%Y-%m-%d}; Graph then answers as another version"
    yield warning(subject, words, newest)


def check_clock(observed: HeaderObserver, *, at: datetime) -> Iterator[Finding]:
    """Yield how far our clock, which says *at*, is from Meta's; nothing if Meta tells no time."""
    try:
        theirs = parsedate_to_datetime(observed.date or "")
    except ValueError:
        return
    if theirs.tzinfo is None:
        return
    skew = abs(at - theirs)
    difference = f"{int(skew.total_seconds())} s away from Meta's"
    if skew > SKEW_TOO_MUCH:
        words = f"is {difference}: codes will be refused as too old or too new"
        yield problem("clock", words, "timedatectl set-ntp true")
    elif skew > SKEW_NOTICED:
        yield warning("clock", f"is {difference}", "timedatectl set-ntp true")
    else:
        yield ok("clock", "agrees with Meta's")
