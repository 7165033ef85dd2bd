"""The one place where things are built, and the one object through which the rim reaches them."""

import hmac
import os
import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Concatenate, Final, ParamSpec, TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.accounts import rate_limiter
from app.accounts.authenticators import Resources
from app.accounts.passwords import Hasher
from app.accounts.rate_limits import RateLimitKeys
from app.accounts.sign_in_methods import SignInMethods, build_sign_in_methods
from app.infra import clock
from app.infra.admission import Admission, admission_for
from app.infra.database.engine import make_engine
from app.infra.database.writer import LIMIT_SECONDS, NotCommitted, Writer
from app.infra.observability import logs, metrics, telemetry
from app.infra.settings.settings import Settings
from app.linking import delivery_counts, link_queries
from app.linking import retention as sweep
from app.linking.delivery_counter import DeliveryCounter
from app.linking.graph_unlink import KIND as GRAPH_UNLINK
from app.linking.graph_unlink import Unlink
from app.linking.handlers import Policy
from app.messenger.errors import BAD_PARAMETER, GraphError, GraphRefused, PersonUnknown
from app.messenger.graph.client import GraphClient
from app.messenger.graph.setup import AppClient, PageClient, Way
from app.messenger.graph.transport import Observation
from app.messenger.types import PageId
from app.outbox import bot_webhooks, heartbeats, retention
from app.outbox.handlers import Handler, RetryLater
from app.outbox.queue import Claim
from app.outbox.worker import PeriodicTask, Worker
from app.setup.meta_checks import Meta, MetaPage, check_subscriptions

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger()

SWEEP_EVERY: Final = timedelta(minutes=10)
OUTBOX_SWEEP_EVERY: Final = timedelta(minutes=1)
META_WATCH_EVERY: Final = timedelta(days=1)
META_WATCH_AFTER: Final = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything that is built once for a process."""

    settings: Settings
    engine: Engine = field(repr=False)
    writer: Writer = field(repr=False)
    graph: Mapping[PageId, GraphClient]
    sign_in_methods: Mapping[str, SignInMethods]
    hasher: Hasher = field(repr=False)
    admission: Admission = field(repr=False)
    spans: telemetry.Spans | None = field(repr=False)
    error_reporter: telemetry.ErrorReporter | None = field(repr=False)
    rate_limit_keys: RateLimitKeys = field(repr=False)

    def write(
        self, use_case: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *use_case* and commit; return what it returned.

        Raises:
            NotCommitted: The database is busy or away.
        """
        return self.writer.write(use_case, *args, **kwargs)

    def read(
        self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *query* and return what it returned; whatever it changed is thrown away.

        Raises:
            NotCommitted: The database is away.
        """
        return self.writer.read(query, *args, **kwargs)

    @cached_property
    def page_ids(self) -> frozenset[PageId]:
        """The pages this server links people on."""
        return frozenset(self.graph)

    @cached_property
    def page_names(self) -> Mapping[str, str]:
        """What the pages are called; empty where the operator has not said."""
        return {page.id: page.name for page in self.settings.pages}

    @cached_property
    def policy(self) -> Policy:
        """What the settings mean for what happens to links."""
        return Policy(self.page_ids, tells_bot=self.settings.bot.webhook_url is not None)

    @cached_property
    def worker(self) -> Worker:
        """What does the things that commits have asked for."""
        told, passed = self.settings.bot.webhook_url, self.settings.bot.messenger_url
        duties = {GRAPH_UNLINK: Handler(self._unlink, retries_forever=True)}
        if told:
            duties[bot_webhooks.NOTICE] = bot_webhooks.notice_handler(
                told, self.settings.bot.webhook_secrets, clock.now
            )
        if passed:
            duties[bot_webhooks.DELIVERY] = bot_webhooks.delivery_handler(passed)
        chores = (
            PeriodicTask(self._beat, every=heartbeats.HEARTBEAT_INTERVAL),
            PeriodicTask(self._sweep, every=SWEEP_EVERY),
            PeriodicTask(self._sweep_outbox, every=OUTBOX_SWEEP_EVERY),
            # Not at once: whoever has just started it may still be setting it up.
            PeriodicTask(self._watch_meta, every=META_WATCH_EVERY, after=META_WATCH_AFTER),
        )
        return Worker(self.writer, duties, clock.now, chores)

    @cached_property
    def worker_id(self) -> str:
        """What the database knows this process by, where it works."""
        return secrets.token_hex(16)

    def work(self, stop: threading.Event) -> None:
        """Do what commits have asked for until *stop* is set, and be seen to be there."""
        self.worker.run(stop)
        # Without it, it is missed a minute later.
        with suppress(NotCommitted):
            self.write(heartbeats.record_stop, self.worker_id, at=clock.now())

    @cached_property
    def delivery_counter(self) -> DeliveryCounter:
        """What counts the deliveries that come in."""
        return DeliveryCounter(lambda counts: self.write(delivery_counts.add, counts))

    def close(self) -> None:
        """Write down what is only counted, and let go of the database."""
        self.delivery_counter.close()
        for sender in (self.spans, self.error_reporter):
            if sender:
                sender.close()
        self.writer.close()
        self.engine.dispose()

    def meta(self, observe: Callable[[Observation], None] | None = None) -> Meta:
        """Return what Meta has noted of our app and pages; *observe* sees every call."""
        settings = self.settings
        way = Way(
            base_url=settings.graph_url,
            version=settings.graph_version,
            observe=observe or _log_call,
        )
        app = AppClient(way, app_id=settings.app_id, app_secret=settings.app_secret)
        pages = tuple(self._meta_page(PageId(page.id), page.token, way) for page in settings.pages)
        return Meta(app=app, pages=pages, webhook_url=f"{settings.public_url}/webhook")

    def _meta_page(self, page_id: PageId, token: str, way: Way) -> MetaPage:
        settings = self.settings
        return MetaPage(
            id=page_id,
            token=token,
            client=PageClient(
                way, token=token, app_id=settings.app_id, app_secret=settings.app_secret
            ),
            profile=self.graph[page_id],
            linking_url=self.linking_url(page_id),
        )

    def linking_url(self, page_id: PageId) -> str:
        """Return the address that Log In leads to, as Messenger is told it."""
        query = f"response_type=code&client_id={page_id}&scope=basic"
        return f"{self.settings.public_url}/authorize?{query}"

    def _sweep(self, at: datetime) -> None:
        """Remove what is kept no longer."""
        self.write(rate_limiter.purge, at=at)
        keep = self.settings.retention
        self.write(delivery_counts.forget, keep=keep.codes, at=at)
        while self.write(sweep.sweep, keep=keep, at=at):
            pass
        while self.write(sweep.forget_history, keep=keep.history, at=at):
            pass

    def _sweep_outbox(self, at: datetime) -> None:
        """Remove what the outbox keeps no longer; say what was lost, and what is late."""
        retention.report(self.write(retention.sweep, keep=self.settings.retention, at=at), at=at)

    def _beat(self, at: datetime) -> None:
        """Let every process that is asked for /metrics know that this one works."""
        self.write(heartbeats.record_heartbeat, self.worker_id, at=at)

    def _watch_meta(self, at: datetime) -> None:
        """Tell the operator when what Meta has noted no longer leads here (R104)."""
        faults = [one for one in check_subscriptions(self.meta()) if one.verdict == "problem"]
        self.write(heartbeats.record_meta_check, self.worker_id, len(faults), at=at)
        for one in faults:
            log.error("setup.fault", subject=one.subject, told=one.words, mend=one.fix)

    def _unlink(self, claim: Claim) -> None:
        """Tell Messenger that a person is not linked, unless one has been linked since."""
        person = Unlink.from_body(claim.body)
        graph = self.graph.get(person.page_id)
        if (
            graph is None
            or self.read(link_queries.find_link, person.page_id, person.psid) is not None
        ):
            return
        try:
            graph.unlink(person.psid)
        except PersonUnknown:
            return
        except GraphError as exc:
            # Asked about somebody who is not linked, Graph may say "bad parameter" (what it says
            # is not documented): then there is nothing left to tell it.
            if not isinstance(exc, GraphRefused) or exc.code != BAD_PARAMETER:
                raise RetryLater(type(exc).__name__) from exc


def build(settings: Settings, *, limit_seconds: float = LIMIT_SECONDS) -> Services:
    """Return what *settings* describe; nothing is connected to yet.

    *limit_seconds* is how long a write may take until its caller is told that it failed.
    """
    error_reporter = telemetry.error_reporter_for(settings.monitoring.sentry_dsn)
    logs.configure(
        level=settings.log_level,
        form=settings.log_format,
        report=error_reporter.report if error_reporter else None,
    )
    engine = make_engine(settings.database_url)
    writer = Writer(engine, limit_seconds=limit_seconds)
    admission = admission_for(cores=cores(), workers=processes(settings), threads=settings.threads)
    hasher = Hasher(slots=admission.hashing)
    return Services(
        settings=settings,
        engine=engine,
        writer=writer,
        graph={PageId(page.id): _graph(settings, page.id, page.token) for page in settings.pages},
        sign_in_methods=build_sign_in_methods(
            settings.sign_in,
            {page.id: page.authenticators for page in settings.pages},
            Resources(now=clock.now, read=writer.read, write=writer.write, hasher=hasher),
        ),
        hasher=hasher,
        admission=admission,
        spans=telemetry.spans_for(
            settings.monitoring.otlp_endpoint, settings.monitoring.otlp_headers
        ),
        error_reporter=error_reporter,
        # Derived, so that what is counted cannot be matched against anything else sealed with it.
        rate_limit_keys=RateLimitKeys(
            hmac.digest(settings.secret_key.encode(), b"threadlink throttle", "sha256")
        ),
    )


def processes(settings: Settings) -> int:
    """Return how many processes are to answer; SQLite, with one writer at a time, wants one."""
    is_sqlite = settings.database_url.get_backend_name() == "sqlite"
    return settings.workers or (1 if is_sqlite else cores())


def cores() -> int:
    """Return how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _graph(settings: Settings, page_id: str, token: str) -> GraphClient:
    return GraphClient(
        page_id=PageId(page_id),
        token=token,
        app_secret=settings.app_secret,
        base_url=settings.graph_url,
        version=settings.graph_version,
        observe=_log_call,
    )


def _log_call(seen: Observation) -> None:
    metrics.count_graph_call(
        seen.call, seen.outcome, seconds=seen.took_s, usage=seen.usage.percents
    )
    telemetry.graph_call(seen.call, seen.outcome, seconds=seen.took_s)
    log.info(
        "graph.call",
        call=seen.call,
        outcome=seen.outcome,
        seconds=round(seen.took_s, 3),
        code=seen.code,
        subcode=seen.subcode,
        fbtrace_id=seen.trace_id,
    )
