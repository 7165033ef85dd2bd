"""Background work of a process: the outbox worker with its handlers, and the periodic tasks."""

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from app.accounts import rate_limiter
from app.delivery_log import entries
from app.infra import clock
from app.infra.database.portions import in_portions
from app.infra.database.writer import NotCommitted
from app.linking import (
    chat_messages,
    delivery_counts,
    graph_unlink,
    invitation_retention,
    resume,
    session_retention,
    settling,
    sign_in_names,
)
from app.linking import retention as linking_retention
from app.linking.chat_messages import Say
from app.linking.chat_writer import ChatWriter
from app.operators import audit, sessions
from app.outbox import bot_webhooks, heartbeats, operator_webhook
from app.outbox.handlers import Handler
from app.outbox.retention import Sweeper
from app.outbox.worker import PeriodicTask, Worker
from app.privacy import own_subjects
from app.privacy import requests as privacy_requests
from app.privacy.handler import finish_due, privacy_handler, warn_of_duties
from app.services.container import Services
from app.services.fault_watch import WATCH_AFTER, WATCH_EVERY, FaultWatch
from app.services.page_looks import look_of
from app.setup import page_profiles, stored_findings
from app.setup.header_checks import HeaderObserver, check_version
from app.setup.meta_checks import check_meta

log = structlog.get_logger()

SWEEP_EVERY: Final = timedelta(minutes=10)
SETTLE_EVERY: Final = timedelta(seconds=15)
OUTBOX_SWEEP_EVERY: Final = timedelta(minutes=1)
# How often is looked whether a Page is to be asked about, which it is once a day.
PAGES_EVERY: Final = timedelta(minutes=1)
# What is owed goes first.
PAGES_AFTER: Final = timedelta(seconds=5)
META_CHECK_EVERY: Final = timedelta(days=1)
# Not at once: an operator who has just started the server may still be setting it up.
META_CHECK_AFTER: Final = timedelta(minutes=5)
# How often is looked whether somebody wants another check at Meta.
WISHES_EVERY: Final = timedelta(seconds=15)

DUTIES_EVERY: Final = timedelta(days=1)


def run(services: Services, stop: threading.Event, say: Say) -> None:
    """Run the outbox worker and the periodic tasks, with a heartbeat, until *stop* is set.

    *say* words what is written into chats: the texts are of a higher layer.
    """
    worker_id = secrets.token_hex(16)
    worker = make_worker(services, worker_id, say)
    services.pulses.watch("worker", *worker.pulses)
    worker.run(stop)
    # If this cannot be written, the worker counts as missing a minute later.
    with suppress(NotCommitted):
        services.write(heartbeats.record_stop, worker_id, at=clock.now())


def make_worker(services: Services, worker_id: str, say: Say | None = None) -> Worker:
    """Return a worker with all handlers and tasks; its heartbeats are recorded as *worker_id*.

    Without *say* it leaves messages to chats to others.
    """
    sweeper = Sweeper(services.writer, services.settings.retention)
    watch = FaultWatch(services) if services.settings.alerts.webhook_url else None
    tasks = [
        PeriodicTask(partial(sweep, services), every=SWEEP_EVERY),
        PeriodicTask(partial(settle, services), every=SETTLE_EVERY),
        PeriodicTask(sweeper.sweep, every=OUTBOX_SWEEP_EVERY),
        PeriodicTask(partial(refresh_pages, services), every=PAGES_EVERY, after=PAGES_AFTER),
        PeriodicTask(
            partial(_check_meta, services, worker_id, watch),
            every=META_CHECK_EVERY,
            after=META_CHECK_AFTER,
        ),
        PeriodicTask(partial(_grant_wish, services, worker_id, watch), every=WISHES_EVERY),
        PeriodicTask(partial(warn_of_duties, services.writer), every=DUTIES_EVERY),
    ]
    if watch is not None:
        tasks.append(PeriodicTask(watch.look, every=WATCH_EVERY, after=WATCH_AFTER))
    worker = Worker(services.writer, _handlers(services, say), clock.now, tasks)
    beat = partial(_record_heartbeat, services, worker, worker_id, clock.now())
    worker.add_task(PeriodicTask(beat, every=heartbeats.HEARTBEAT_INTERVAL))
    return worker


def sweep(services: Services, at: datetime) -> Iterator[object]:
    """Delete rows of the sign-ins, links and workers that are past their retention, in steps."""
    retention = services.settings.retention
    yield from in_portions(services.writer, rate_limiter.outdated(at))
    yield from in_portions(services.writer, delivery_counts.old(at - retention.codes))
    yield from in_portions(services.writer, *linking_retention.needless_names(at))
    yield from in_portions(services.writer, *invitation_retention.needless_names(at))
    yield from in_portions(services.writer, session_retention.old(at))
    # Also here: what a worker that was away has not counted yet must not be deleted before.
    yield from settle(services, at)
    yield from in_portions(services.writer, *linking_retention.old_attempts(retention, at))
    yield from in_portions(services.writer, *invitation_retention.old(retention, at))
    yield from in_portions(services.writer, *linking_retention.old_events(retention, at))
    yield from in_portions(services.writer, linking_retention.old_history(at - retention.history))
    yield from in_portions(services.writer, sign_in_names.needless(at - retention.codes, at=at))
    yield from in_portions(services.writer, resume.old(at - retention.resume))
    oldest = (at - retention.statistics).date()
    yield from in_portions(services.writer, *settling.old_statistics(oldest))
    yield from in_portions(services.writer, heartbeats.silent(at))
    yield from in_portions(services.writer, page_profiles.needless(services.page_ids))
    yield from finish_due(services.writer, at)
    yield from own_subjects.forget_due(services.writer, at)
    yield from in_portions(services.writer, privacy_requests.old(at - retention.history))
    yield from in_portions(services.writer, sessions.old(at))
    yield from in_portions(services.writer, audit.old(at - retention.audit))


def settle(services: Services, at: datetime) -> Iterator[object]:
    """Count the attempts that are over, in steps."""
    yield from in_portions(services.writer, settling.unsettled(at))


def refresh_pages(services: Services, at: datetime) -> Iterator[object]:
    """Ask Graph for the names and pictures of the pages that are due, in steps."""
    yield from services.page_refresh().refresh_due(services.page_ids, at)


def _handlers(services: Services, say: Say | None = None) -> Mapping[str, Handler]:
    bot, egress = services.settings.bot, services.settings.egress
    handlers = {
        graph_unlink.KIND: graph_unlink.unlink_handler(services.read, services.graph),
        privacy_requests.ITEM_KIND: privacy_handler(
            services.writer, services.meta().app.people_of, services.policy, clock.now
        ),
    }
    if say is not None and services.settings.invitations.enabled:
        writer = _chat_writer(services, say)
        handlers |= {chat_messages.ASK: writer.asks(), chat_messages.SAY: writer.says()}
    if bot.webhook_url:
        handlers[bot_webhooks.NOTICE] = bot_webhooks.notice_handler(
            bot.webhook_url, bot.webhook_secrets, clock.now, egress=egress
        )
    if bot.messenger_url:
        handlers[bot_webhooks.DELIVERY] = bot_webhooks.delivery_handler(
            bot.messenger_url, egress=egress
        )
    alerts = services.settings.alerts
    if alerts.webhook_url:
        handlers[operator_webhook.ALERT] = operator_webhook.alert_handler(
            alerts.webhook_url, alerts.webhook_secrets, clock.now, egress=egress
        )
    if services.delivery_log:
        handlers[bot_webhooks.DELIVERY] = entries.delivery_handler(services.delivery_log)
    return handlers


def _chat_writer(services: Services, say: Say) -> ChatWriter:
    settings = services.settings
    return ChatWriter(
        store=services.writer,
        graph=services.graph,
        say=say,
        page_name=lambda page_id: look_of(settings, services.page_profiles, page_id).name,
        always_digits=settings.confirm_in_chat == "always",
        secret_key=settings.secret_key,
        rate_limit_keys=services.rate_limit_keys,
        clock=clock.now,
    )


def _record_heartbeat(
    services: Services, worker: Worker, worker_id: str, started_at: datetime, at: datetime
) -> None:
    circuits = worker.open_circuits()
    services.write(heartbeats.record_heartbeat, worker_id, circuits, started_at=started_at, at=at)


def _grant_wish(services: Services, worker_id: str, watch: FaultWatch | None, at: datetime) -> None:
    if services.read(stored_findings.read_wish) and services.write(stored_findings.claim_wish):
        _check_meta(services, worker_id, watch, at)


def _check_meta(services: Services, worker_id: str, watch: FaultWatch | None, at: datetime) -> None:
    """Log what `threadlink doctor` would find at Meta: what ends linking, and what soon will."""
    headers = HeaderObserver()
    findings = [
        *check_meta(services.meta(headers.observe), at=at),
        *check_version(headers, services.settings.graph_version, at=at),
    ]
    problems = [finding for finding in findings if finding.verdict == "problem"]
    # Else what the look before has found still stands: that Meta does not answer changes nothing.
    if not any(problem.is_unchecked for problem in problems):
        services.write(heartbeats.record_meta_check, worker_id, len(problems), at=at)
    services.write(stored_findings.keep, findings, at=at)
    for problem in problems:
        log.error("setup.fault", subject=problem.subject, told=problem.words, fix=problem.fix)
    for notice in (finding for finding in findings if finding.verdict == "warning"):
        log.warning("setup.warning", subject=notice.subject, told=notice.words, fix=notice.fix)
    if watch is not None:
        watch.note_meta(findings, at)
