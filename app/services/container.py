"""Services: everything that is built once for a process, and the object that holds it."""

import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.accounts.authenticators import AuthenticatorUnavailable, Diagnosis, Resources
from app.accounts.passwords import Hasher, check_new_password
from app.accounts.rate_limit_keys import RateLimitKeys
from app.accounts.sign_in_methods import SignInMethods, build_sign_in_methods, checks_of
from app.delivery_log.log import DeliveryLog
from app.delivery_log.opening import delivery_log_for
from app.infra import clock
from app.infra.admission import Admission, admission_for
from app.infra.database.engine import make_engine
from app.infra.database.writer import LIMIT_SECONDS, Writer
from app.infra.network.meta_addresses import GRAPH_URL
from app.infra.observability import logs, telemetry
from app.infra.settings.settings import Settings
from app.infra.stalls import Pulses
from app.linking import attempt_events, delivery_counts
from app.linking.delivery_counter import DeliveryCounter
from app.linking.event_recorder import EventRecorder
from app.linking.handlers import Policy
from app.linking.sign_in_names import NameHasher
from app.linking.stranger_references import StrangerReferences
from app.messenger.graph.client import GraphClient
from app.messenger.graph.conversations import CALLS_PER_S
from app.messenger.graph.setup import AppClient, GraphEndpoint, PageClient
from app.messenger.graph.transport import Observation
from app.messenger.kept_pictures import MOST_AT_ONCE, KeptPictures
from app.messenger.pictures import PictureFetcher
from app.messenger.types import PageId
from app.services import graph_log
from app.services.invitations import policy_of
from app.services.look_ups import LookUps
from app.services.processes import core_count, process_count
from app.setup import page_profiles
from app.setup.meta_checks import Meta, MetaPage
from app.setup.page_profiles import KnownProfiles
from app.setup.page_refresh import PageRefresh

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything that is built once for a process, and what follows from the settings."""

    settings: Settings
    engine: Engine = field(repr=False)
    writer: Writer = field(repr=False)
    look_ups: LookUps = field(repr=False)
    delivery_log: DeliveryLog | None = field(repr=False)
    graph: Mapping[PageId, GraphClient]
    sign_in_methods: Mapping[str, SignInMethods]
    hasher: Hasher = field(repr=False)
    admission: Admission = field(repr=False)
    spans: telemetry.Spans | None = field(repr=False)
    error_reporter: telemetry.ErrorReporter | None = field(repr=False)
    rate_limit_keys: RateLimitKeys = field(repr=False)
    name_hasher: NameHasher = field(repr=False)
    page_profiles: KnownProfiles = field(repr=False)
    picture_fetcher: PictureFetcher = field(repr=False)
    kept_pictures: KeptPictures = field(repr=False)
    # Of all loops that must move.
    pulses: Pulses = field(repr=False)
    # What stood in people's way, and the references of those who are in no attempt.
    events: EventRecorder = field(repr=False)
    stranger_references: StrangerReferences = field(repr=False)

    def write(
        self, use_case: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *use_case* and commit; return what it returned.

        Raises:
            NotCommitted: The database is busy or cannot be reached.
        """
        return self.writer.write(use_case, *args, **kwargs)

    def read(
        self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *query* and return what it returned; changes that it made are rolled back.

        Raises:
            NotCommitted: The database cannot be reached.
        """
        return self.writer.read(query, *args, **kwargs)

    @cached_property
    def page_ids(self) -> frozenset[PageId]:
        """The ids of the pages that this server links people on."""
        return frozenset(self.graph)

    @property
    def page_names(self) -> Mapping[str, str]:
        """The names of the pages by their ids; empty where nobody has told one."""
        return {
            page.id: page.name or self.page_profiles.of(page.id).name or ""
            for page in self.settings.pages
        }

    def check_new_password(self, password: str, username: str, *, at_least: int = 0) -> None:
        """Raise unless *password* may be set for the built-in account of *username*.

        It needs *at_least* so many characters, whatever the setting says.

        Raises:
            PasswordRefused: It is too short, too long, common, stolen, or made of names.
            AuthenticatorUnavailable: The list of stolen passwords cannot be read.
        """
        stolen = self.settings.breached_passwords
        try:
            check_new_password(
                password,
                minimum=max(at_least, self.settings.password_min_length),
                forbidden=[username, *self.page_names.values()],
                is_stolen=stolen.has if stolen else None,
            )
        except OSError as exc:
            reason = "BREACHED_PASSWORDS_FILE cannot be read"
            log.exception("password.not_checked", reason=reason)
            raise AuthenticatorUnavailable(reason) from exc

    @cached_property
    def policy(self) -> Policy:
        """The part of the settings that decides what follows from a change of a link."""
        return policy_of(self.settings, self.rate_limit_keys)

    @cached_property
    def delivery_counter(self) -> DeliveryCounter:
        """The counter of incoming deliveries."""
        return DeliveryCounter(lambda counts: self.write(delivery_counts.add, counts))

    def close(self) -> None:
        """Write what is still in memory, send spans and reports, and close the database."""
        self.delivery_counter.close()
        self.events.close()
        if self.delivery_log:
            self.delivery_log.close()
        for sender in (self.spans, self.error_reporter):
            if sender:
                sender.close()
        self.writer.close()
        self.look_ups.close()
        self.engine.dispose()

    def authenticator_checks(self) -> Mapping[str, Callable[[], Iterable[Diagnosis]]]:
        """Return a check of each authenticator, by name: could people sign in by it now?"""
        return checks_of(self.settings.sign_in, _resources(self.settings, self.writer, self.hasher))

    def meta(self, observe: Callable[[Observation], None] | None = None) -> Meta:
        """Return clients for the app and its pages at Meta; *observe* gets each request."""
        settings = self.settings
        endpoint = GraphEndpoint(
            base_url=settings.graph_url,
            version=settings.graph_version,
            egress=settings.egress,
            observe=observe or graph_log.report,
        )
        app = AppClient(endpoint, app_id=settings.app_id, app_secret=settings.app_secret)
        pages = tuple(
            self._meta_page(PageId(page.id), page.token, endpoint) for page in settings.pages
        )
        url, has_links = f"{settings.public_url}/webhook", settings.invitations.enabled
        return Meta(app=app, pages=pages, webhook_url=url, has_links=has_links)

    def page_refresh(self) -> PageRefresh:
        """Return the questions to Graph about the pages' names and pictures."""
        clients = {page.id: page.client for page in self.meta().pages}
        return PageRefresh(self.writer, self.picture_fetcher, clients.__getitem__)

    def _meta_page(self, page_id: PageId, token: str, endpoint: GraphEndpoint) -> MetaPage:
        settings = self.settings
        return MetaPage(
            id=page_id,
            token=token,
            client=PageClient(
                endpoint, token=token, app_id=settings.app_id, app_secret=settings.app_secret
            ),
            profile=self.graph[page_id],
            linking_url=self.linking_url(page_id),
        )

    def linking_url(self, page_id: PageId) -> str:
        """Return the address that Log In leads to, as it is registered at Messenger."""
        query = f"response_type=code&client_id={page_id}&scope=basic"
        return f"{self.settings.public_url}/authorize?{query}"


def build(
    settings: Settings, *, limit_seconds: float = LIMIT_SECONDS, is_patient: bool = False
) -> Services:
    """Return the services that *settings* describe; nothing is connected to yet.

    A write or read that takes longer than *limit_seconds* raises `NotCommitted`; if *is_patient*,
    a read may take any time.
    """
    error_reporter = telemetry.error_reporter_for(settings.monitoring.sentry_dsn, settings.egress)
    logs.configure(
        level=settings.log_level,
        form=settings.log_format,
        report=error_reporter.report if error_reporter else None,
    )
    engine = make_engine(settings.database_url)
    writer = Writer(engine, limit_seconds=limit_seconds, is_patient=is_patient)
    admission = admission_for(
        cores=core_count(), workers=process_count(settings), threads=settings.threads
    )
    look_ups = LookUps(engine, limit_seconds=limit_seconds)
    pulses = Pulses()
    pulses.watch("writer", writer.pulse)
    pulses.watch("reader", look_ups.pulse)
    hasher = Hasher(slots=admission.hashing)
    picture_fetcher = PictureFetcher(
        settings.pictures.hosts,
        graph_origin=None if settings.graph_url == GRAPH_URL else settings.graph_url,
        egress=settings.egress,
    )
    return Services(
        settings=settings,
        engine=engine,
        writer=writer,
        look_ups=look_ups,
        delivery_log=delivery_log_for(settings.bot.messenger_log, settings.egress),
        graph={PageId(page.id): _graph(settings, page.id, page.token) for page in settings.pages},
        sign_in_methods=build_sign_in_methods(
            settings.sign_in,
            {page.id: page.authenticators for page in settings.pages},
            _resources(settings, writer, hasher),
        ),
        hasher=hasher,
        admission=admission,
        spans=telemetry.spans_for(
            settings.monitoring.otlp_endpoint, settings.monitoring.otlp_headers, settings.egress
        ),
        error_reporter=error_reporter,
        # Derived from SECRET_KEY, so that a key in the database matches nothing else made with it.
        rate_limit_keys=RateLimitKeys(
            hmac.digest(settings.secret_key.encode(), b"threadlink throttle", "sha256")
        ),
        name_hasher=NameHasher(settings.secret_keys),
        page_profiles=KnownProfiles(partial(writer.read, page_profiles.read_all)),
        picture_fetcher=picture_fetcher,
        # Half of the places stay free of pictures: those without one can link all the same.
        kept_pictures=KeptPictures(
            picture_fetcher, at_once=max(1, min(MOST_AT_ONCE, admission.admitted // 2))
        ),
        pulses=pulses,
        events=EventRecorder(lambda events: writer.write(attempt_events.record, events)),
        stranger_references=StrangerReferences(),
    )


def _resources(settings: Settings, writer: Writer, hasher: Hasher) -> Resources:
    return Resources(
        now=clock.now,
        read=writer.read,
        write=writer.write,
        hasher=hasher,
        egress=settings.egress,
    )


def _graph(settings: Settings, page_id: str, token: str) -> GraphClient:
    return GraphClient(
        page_id=PageId(page_id),
        token=token,
        app_secret=settings.app_secret,
        base_url=settings.graph_url,
        version=settings.graph_version,
        egress=settings.egress,
        conversations_per_s=CALLS_PER_S / process_count(settings),
        observe=graph_log.report,
    )
