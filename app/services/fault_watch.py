"""The watch for faults, by which the operator's address hears of them (R143).

Each worker looks once a minute at what is stored: the outbox, the heartbeats, the privacy duties
and the failures of authenticators that people have met. What the daily look at Meta found is
recorded when it is made. All of it is told by `app.alerts.telling`, whichever worker is first.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.alerts import telling
from app.alerts.bodies import Form
from app.alerts.fault import Fault, FaultKey, KeptFault
from app.linking import attempt_events
from app.outbox import dropped, heartbeats, inspection
from app.outbox.inspection import COUNTED_UP_TO
from app.outbox.operator_webhook import ALERT
from app.outbox.overdue import overdue
from app.privacy import requests as privacy_requests
from app.services.container import Services
from app.services.meta_faults import META, meta_faults, pages_gone
from app.setup.authenticator_checks import check_authenticators
from app.setup.findings import Finding

log = structlog.get_logger()

WATCH_EVERY: Final = timedelta(minutes=1)
# A worker that has just begun works off what waited first.
WATCH_AFTER: Final = timedelta(minutes=1)
# The time in which people's failures are counted, and after which the last one is history.
RECENT: Final = timedelta(minutes=5)
# So many people who met a failure are a fault, also where a check of ours meets none.
MANY: Final = 3
# The causes that are over only after some time without a sign of them.
CALM: Final[Mapping[str, timedelta]] = {
    "outbox_dropped": timedelta(hours=1),
    "authenticator": RECENT,
}
AUTHENTICATOR: Final = "authenticator"


class FaultWatch:
    """The watch of one worker; it remembers how many deliveries were dropped at its last look."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._form = form_of(services)
        self._dropped: int | None = None

    def look(self, at: datetime) -> None:
        """Look at everything that is stored, and have the operator told of what has changed."""
        kept = self._services.read(telling.kept)
        there = [fault for fault in kept if fault.found_at is not None]
        found = [*self._stored(at), *_of_authenticators(self._services, there, at)]
        names = self._services.page_names
        over = [
            *_no_longer_seen(there, {fault.key for fault in found}, at),
            *pages_gone([fault.key for fault in there], names),
        ]
        self._record(found, over, kept, at)
        if any(at - fault.seen_at > telling.KEPT for fault in kept if fault.found_at is None):
            self._services.write(telling.forget, at=at)

    def note_meta(self, findings: Iterable[Finding], at: datetime) -> None:
        """Have the operator told of what a look at Meta has found."""
        faults = meta_faults(findings, self._services.page_names)
        kept = self._services.read(telling.kept)
        over = [fault.key for fault in kept if fault.found_at and fault.key in faults.sound]
        self._record(faults.found, over, kept, at)

    def _stored(self, at: datetime) -> Iterator[Fault]:
        yield from _of_outbox(self._services, at)
        yield from self._of_dropped()
        yield from _of_workers(self._services, at)
        yield from _of_duties(self._services, at)

    def _of_dropped(self) -> Iterator[Fault]:
        total = self._services.read(dropped.totals).dropped
        before, self._dropped = self._dropped, total
        if before is not None and total > before:
            sentence = (
                f"{total - before} deliveries were dropped that the bot did not take, {total} ever:"
                " they are lost"
            )
            yield Fault(FaultKey("outbox_dropped"), sentence, "threadlink outbox status")

    def _record(
        self,
        found: Sequence[Fault],
        over: Collection[FaultKey],
        kept: Sequence[KeptFault],
        at: datetime,
    ) -> None:
        pending = [fault.key for fault in kept if fault.is_untold]
        if not (found or over or pending):
            return
        told = self._services.write(
            telling.record, found, over, form=self._form, at=at, but_pending=pending
        )
        for kind, key in told:
            log.info("alert.queued", kind=kind, cause=key.cause, page=key.page_id or None)


def form_of(services: Services) -> Form:
    """Return the form in which the operator wants alerts."""
    return Form(services.settings.alerts.webhook_format, services.settings.console.url)


def _no_longer_seen(
    there: Iterable[KeptFault], found: Collection[FaultKey], at: datetime
) -> Iterator[FaultKey]:
    """Yield the faults that are over; only a look at Meta says so of what is there."""
    for fault in there:
        calm = CALM.get(fault.key.category, timedelta(0))
        is_ours = fault.key.category != META
        if is_ours and fault.key not in found and abs(at - fault.seen_at) >= calm:
            yield fault.key


def _of_outbox(services: Services, at: datetime) -> Iterator[Fault]:
    for late in services.read(overdue, at=at):
        # The operator's own address: they would hear of it when it is over.
        if late.kind == ALERT:
            continue
        sentence = f"The outbox is late: {late.kind} since {_moment(late.since)}, as {late.why}"
        yield Fault(FaultKey(f"outbox_late:{late.kind}"), sentence, "threadlink outbox status")
    numbers: dict[tuple[str, str], int] = {}
    for queue in services.read(inspection.queue_stats, most=COUNTED_UP_TO):
        if queue.kind != ALERT:
            key = (queue.kind, queue.state)
            numbers[key] = numbers.get(key, 0) + queue.count
    for (kind, state), number in numbers.items():
        if state == "dead":
            sentence = f"{_counted(number)} dead letters of the kind {kind}: given up"
            fix = "threadlink outbox list --state dead, then: threadlink outbox replay --dead"
            yield Fault(FaultKey(f"outbox_dead:{kind}"), sentence, fix)
        elif number >= COUNTED_UP_TO:
            sentence = f"{_counted(number)} items of the kind {kind} wait in the outbox"
            yield Fault(FaultKey(f"outbox_backlog:{kind}"), sentence, "threadlink outbox status")


def _of_workers(services: Services, at: datetime) -> Iterator[Fault]:
    silent_since = services.read(heartbeats.silent_since, at=at)
    if silent_since is not None:
        sentence = f"A worker is silent since {_moment(silent_since)}, and nobody stopped it"
        fix = "systemctl restart threadlink-worker, and look into its journal"
        yield Fault(FaultKey("worker_silent"), sentence, fix)


def _of_duties(services: Services, at: datetime) -> Iterator[Fault]:
    duties = services.read(privacy_requests.duties, at=at)
    if duties.oldest_at is not None:
        days, within = (at - duties.oldest_at).days, privacy_requests.DUTY_WITHIN.days
        sentence = (
            f"{duties.count} requests about somebody's data wait for you, the oldest for {days} of "
            f"{within} days"
        )
        yield Fault(FaultKey("privacy_duties"), sentence, "threadlink privacy list")


def _of_authenticators(
    services: Services, there: Iterable[KeptFault], at: datetime
) -> Iterator[Fault]:
    """Ask the authenticators that people have met failing, and those known to be at fault."""
    met = services.read(attempt_events.failing_authenticators, since=at - RECENT)
    known = {_name(fault.key) for fault in there if fault.key.category == AUTHENTICATOR}
    checks = services.authenticator_checks()
    asked = {name: checks[name] for name in checks.keys() & (met.keys() | known)}
    problems = {
        finding.subject.removeprefix(f"{AUTHENTICATOR} "): finding
        for finding in check_authenticators(asked)
        if finding.verdict == "problem"
    }
    for name in asked:
        key = FaultKey(f"{AUTHENTICATOR}:{name}")
        if (problem := problems.get(name)) is not None:
            yield Fault(key, f"Sign-in by {name}: {problem.words}", problem.fix)
        elif met.get(name, 0) >= MANY:
            sentence = f"Sign-in by {name}: it failed for {met[name]} people within five minutes"
            yield Fault(
                key, sentence, "threadlink attempts causes --days 1, and: threadlink doctor"
            )


def _name(key: FaultKey) -> str:
    return key.cause.partition(":")[2]


def _counted(number: int) -> str:
    return f"{number} or more" if number >= COUNTED_UP_TO else str(number)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
