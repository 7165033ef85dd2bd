"""The faults of this moment, for the top of the overview: what `threadlink doctor` finds here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Flask, current_app, url_for
from sqlalchemy.orm import Session

from app.linking import delivery_counts
from app.outbox import dropped, heartbeats, inspection
from app.outbox.circuit_breaker import OpenCircuit
from app.outbox.heartbeats import WorkersStatus
from app.outbox.inspection import QueueStats
from app.outbox.overdue import Overdue, describe, overdue_among
from app.privacy import requests as privacy_requests
from app.privacy.requests import Duties
from app.services.container import Services
from app.services.processes import process_count
from app.setup import stored_findings
from app.setup.findings import Finding
from app.setup.local_checks import check_deliveries, check_privacy, check_queue
from app.setup.log_checks import check_delivery_log
from app.setup.stored_findings import Look
from app.web.current import services
from app.web.remembered import Remembered

_EXTENSION: Final = "threadlink-console-log"
# The delivery log is asked over the network: by one page in so many seconds.
_LOG_REMEMBERED_S: Final = 10.0
_LOG_LIMIT_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The state of the outbox, of the workers and of what waits for operators, read at once.

    The numbers are those of /metrics, by the same functions.
    """

    queues: tuple[QueueStats, ...]
    workers: WorkersStatus
    circuits: tuple[OpenCircuit, ...]
    late: tuple[Overdue, ...]
    dropped: int
    duties: Duties
    # The last minute of each outcome of deliveries.
    deliveries: Mapping[str, datetime]
    look: Look


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in words, with its fix; *url* leads to more, under the text *link*."""

    subject: str
    words: str
    fix: str
    url: str = ""
    link: str = ""


def register(app: Flask, built: Services) -> None:
    """Have *app* remember the state of the delivery log, if there is one."""
    app.extensions[_EXTENSION] = Remembered(lambda: tuple(_of_log(built)), _LOG_REMEMBERED_S)


def health(session: Session, *, at: datetime) -> Health:
    """Return the state at the time *at*."""
    queues = inspection.queue_stats(session, most=inspection.COUNTED_UP_TO)
    workers = heartbeats.workers_status(session, at=at)
    circuits = heartbeats.open_circuits(session, at=at)
    return Health(
        queues=queues,
        workers=workers,
        circuits=circuits,
        late=overdue_among(queues, circuits, workers, at=at),
        dropped=dropped.totals(session).dropped,
        duties=privacy_requests.duties(session, at=at),
        deliveries=delivery_counts.last(session),
        look=stored_findings.read(session),
    )


def faults_of(state: Health, at: datetime) -> Iterator[Fault]:
    """Yield the faults of *state*, those that stop everything first."""
    if not state.workers.alive:
        yield Fault(
            "worker",
            "none runs, so that nothing is told to the bot or to Messenger",
            "systemctl restart threadlink, or: threadlink worker",
        )
    for one in state.look.problems:
        yield _fault(one, url_for("meta.show"), "What Meta says")
    for finding, url, link in (
        (_queue(state, at), url_for("outbox.list_"), "The outbox"),
        (_deliveries(state, at), "", ""),
        (_privacy(state, at), url_for("privacy.list_"), "The requests"),
    ):
        if finding.verdict == "problem":
            yield _fault(finding, url, link)
    late = {one.kind for one in state.late}
    for circuit in state.circuits:
        if circuit.kind not in late:
            told = f"takes nothing since {circuit.since:%H:%M} UTC: {describe(circuit)}"
            yield Fault(circuit.kind, told, "threadlink outbox status", url_for("outbox.list_"))
    remembered: Remembered[tuple[Finding, ...]] = current_app.extensions[_EXTENSION]
    for finding in remembered():
        yield _fault(finding)


def _fault(finding: Finding, url: str = "", link: str = "") -> Fault:
    return Fault(finding.subject, finding.words, finding.fix, url, link)


def _queue(state: Health, at: datetime) -> Finding:
    counts = {"waiting": 0, "dead": 0}
    for queue in state.queues:
        counts[queue.state] += queue.count
    return check_queue(
        waiting=counts["waiting"],
        late=state.late,
        dead=counts["dead"],
        is_alone=process_count(services().settings) == 1,
        at=at,
    )


def _deliveries(state: Health, at: datetime) -> Finding:
    return check_deliveries(state.deliveries, kept=services().settings.retention.codes, at=at)


def _privacy(state: Health, at: datetime) -> Finding:
    oldest_at = state.duties.oldest_at
    days = (at - oldest_at).days if oldest_at else 0
    within = privacy_requests.DUTY_WITHIN.days
    return check_privacy(waiting=state.duties.count, days=days, within=within)


def _of_log(built: Services) -> Iterator[Finding]:
    address = built.settings.bot.messenger_log
    if built.delivery_log and address:
        found = check_delivery_log(built.delivery_log, address, within=_LOG_LIMIT_S)
        yield from (one for one in found if one.verdict == "problem")
