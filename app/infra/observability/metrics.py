"""Prometheus metrics: every counter, gauge and histogram. No label holds an identifier (R12).

With several worker processes, `serve` sets PROMETHEUS_MULTIPROC_DIR before they start, and any
of them answers for all.
"""

import os
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from app.infra.observability.readings import Reading, Readings

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

# In seconds. Messenger gives up on an answer after 5 s; ours comes within 3 s.
_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 5.0)
_SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)
# The calls for people and bots, and the failures that have an alert.
_GRAPH_CALLS: Final = (
    "recipient_for",
    "profile_name",
    "conversations",
    "send_text",
    "send_login_button",
    "send_logout_button",
    "unlink",
    "ids_for_pages",
)
_GRAPH_FAILURES: Final = (
    "TokenDead",
    "PermissionMissing",
    "PageRestricted",
    "RegionRefused",
    "GraphRefused",
    "GraphThrottled",
    "GraphUnavailable",
    "GraphUnreachable",
)
_LOG_OUTCOMES: Final = (
    "stored",
    "repeated",
    "unreachable",
    "no stream",
    "no answer",
    "refused",
    "too large",
)
# away: it may answer in a minute. misconfigured: not before something is changed.
Failure: TypeAlias = Literal["away", "misconfigured"]
PictureOutcome: TypeAlias = Literal["shown", "none", "refused", "slow"]
_building: Final = threading.Lock()


class _WebhookMetrics:
    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter, Histogram  # noqa: PLC0415 - see _Metrics

        self.requests = Counter(
            "threadlink_webhook_requests",
            "POST requests to the webhook, by outcome.",
            ["outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "threadlink_webhook_seconds",
            "Time until Messenger had the answer to a POST to the webhook.",
            buckets=_QUICK,
            registry=registry,
        )
        self.link_events = Counter(
            "threadlink_link_events",
            "Account-linking events, by what they did.",
            ["outcome"],
            registry=registry,
        )
        self.page_standings = Counter(
            "threadlink_page_standings",
            "Events about a Page's standing at Meta: restricted, warned, lifted, or other.",
            ["standing"],
            registry=registry,
        )
        self.log_entries = Counter(
            "threadlink_log_entries",
            "Deliveries for the log that BOT_MESSENGER_URL names, by outcome.",
            ["outcome"],
            registry=registry,
        )
        # What the alerts count: of a series that begins with a 1, Prometheus sees no increase.
        self.page_standings.labels("restricted")
        for outcome in ("taken", "bad_signature", "log_unavailable"):
            self.requests.labels(outcome)
        for outcome in ("made", "replaced"):
            self.link_events.labels(outcome)
        for outcome in _LOG_OUTCOMES:
            self.log_entries.labels(outcome)


class _PageMetrics:
    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter  # noqa: PLC0415 - see _Metrics

        self.steps = Counter(
            "threadlink_attempt_steps",
            "Steps of people who connect their account, by step and outcome.",
            ["step", "outcome"],
            registry=registry,
        )
        self.sign_in_failures = Counter(
            "threadlink_sign_in_failures", "Failed sign-ins, by kind.", ["kind"], registry=registry
        )
        self.authenticator_failures = Counter(
            "threadlink_authenticator_failures",
            "Sign-ins that an authenticator could not decide, by its name and kind of failure.",
            ["authenticator", "failure"],
            registry=registry,
        )
        self.redirect_refusals = Counter(
            "threadlink_redirect_refusals",
            "redirect_uri values that were refused or missing, by reason.",
            ["reason"],
            registry=registry,
        )
        self.lost_events = Counter(
            "threadlink_attempt_events_lost",
            "Events of attempts that could not be stored within a minute.",
            registry=registry,
        )
        # Zeros for the alerts, as above.
        for kind in ("database_busy", "throttled"):
            self.sign_in_failures.labels(kind)


class _ProfileMetrics:
    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter  # noqa: PLC0415 - see _Metrics

        self.names = Counter(
            "threadlink_names",
            "People whose name in Messenger was asked for, by where it was found.",
            ["source"],
            registry=registry,
        )
        self.pictures = Counter(
            "threadlink_pictures",
            "Messenger pictures of people, by outcome: shown, none (Messenger gives no address), "
            "refused, or slow (not there in time, or no place to fetch it).",
            ["outcome"],
            registry=registry,
        )


class _GraphMetrics:
    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415 - see _Metrics

        self.calls = Counter(
            "threadlink_graph_calls",
            "Calls to the Graph API, by call and outcome.",
            ["call", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "threadlink_graph_seconds",
            "Duration of calls to the Graph API.",
            ["call"],
            buckets=_SLOW,
            registry=registry,
        )
        self.usage = Gauge(
            "threadlink_graph_usage_percent",
            "Used share of Graph's rate limits, by the header of its last answer.",
            ["header"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        # Zeros for the alerts, as above.
        for call, outcome in product(_GRAPH_CALLS, _GRAPH_FAILURES):
            self.calls.labels(call, outcome)


class _ServerMetrics:
    def __init__(self, registry: "CollectorRegistry") -> None:
        from prometheus_client import Counter  # noqa: PLC0415 - see _Metrics

        self.refusals = Counter(
            "threadlink_door_refusals",
            "Requests that were refused before any view of the application saw them, by reason.",
            ["reason"],
            registry=registry,
        )
        # Zeros for the alerts, as above.
        for reason in (
            "database too slow",
            "no thread free",
            "not https",
            "too many bodies",
            "underscore in a name",
            "wrong path",
        ):
            self.refusals.labels(reason)


class _Metrics:
    """Every counter, gauge and histogram."""

    def __init__(self) -> None:
        # prometheus_client decides at its import, by PROMETHEUS_MULTIPROC_DIR, whether processes
        # share their values. `serve` sets that after this module has been imported.
        from prometheus_client import CollectorRegistry  # noqa: PLC0415

        self.registry = CollectorRegistry()
        self.webhook = _WebhookMetrics(self.registry)
        self.pages = _PageMetrics(self.registry)
        self.profiles = _ProfileMetrics(self.registry)
        self.graph = _GraphMetrics(self.registry)
        self.server = _ServerMetrics(self.registry)


def prepare() -> None:
    """Make the metrics now, so that the first request does not wait for it."""
    _metrics()


def prepare_authenticators(names: Iterable[str]) -> None:
    """Show zeros for the failures of the authenticators *names*, for the alerts."""
    for name, failure in product(names, get_args(Failure)):
        _metrics().pages.authenticator_failures.labels(name, failure)


def count_delivery(outcome: str, *, seconds: float) -> None:
    """Count one POST to the webhook and how long it took."""
    webhook = _metrics().webhook
    webhook.requests.labels(outcome).inc()
    webhook.seconds.observe(seconds)


def count_link_event(outcome: str) -> None:
    """Count one account-linking event."""
    _metrics().webhook.link_events.labels(outcome).inc()


def count_page_standing(standing: str) -> None:
    """Count one event about a page's standing at Meta."""
    _metrics().webhook.page_standings.labels(standing).inc()


def count_log_entry(outcome: str) -> None:
    """Count a delivery that was appended to the log, repeated, or not appended, and why."""
    _metrics().webhook.log_entries.labels(outcome).inc()


def count_step(step: str, outcome: str) -> None:
    """Count one step of a person who connects their account."""
    _metrics().pages.steps.labels(step, outcome).inc()


def count_sign_in_failure(kind: str) -> None:
    """Count a sign-in that failed."""
    _metrics().pages.sign_in_failures.labels(kind).inc()


def count_authenticator_failure(authenticator: str, failure: Failure) -> None:
    """Count a sign-in that *authenticator*, e.g. ``ldap:staff``, could not decide."""
    _metrics().pages.authenticator_failures.labels(authenticator, failure).inc()


def count_redirect_refusal(reason: str) -> None:
    """Count a redirect_uri that was refused."""
    _metrics().pages.redirect_refusals.labels(reason).inc()


def count_name(source: str) -> None:
    """Count a person whose name was asked for, by where it was found or why it was not."""
    _metrics().profiles.names.labels(source).inc()


def count_picture(outcome: PictureOutcome) -> None:
    """Count a picture of a person that a page asked for, or could not."""
    _metrics().profiles.pictures.labels(outcome).inc()


def count_lost_events(number: int) -> None:
    """Count events of attempts that could not be stored."""
    _metrics().pages.lost_events.inc(number)


def count_graph_call(call: str, outcome: str, *, seconds: float, usage: Mapping[str, int]) -> None:
    """Count one try of a call to Graph; *usage* is in percent, by the name of the header."""
    graph = _metrics().graph
    graph.calls.labels(call, outcome).inc()
    graph.seconds.labels(call).observe(seconds)
    for header, percent in usage.items():
        graph.usage.labels(header).set(percent)


def count_door_refusal(reason: str) -> None:
    """Count a request that was refused before any view saw it."""
    _metrics().server.refusals.labels(reason).inc()


def exposition(readings: Iterable[Reading]) -> bytes:
    """Return all metrics in the text format of Prometheus, *readings* included."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - see _Metrics
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    counted, momentary = _metrics().registry, CollectorRegistry()
    if FOLDER in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]  # the library's own
    momentary.register(Readings(readings))
    return generate_latest(counted) + generate_latest(momentary)


@cache
def _built() -> _Metrics:
    return _Metrics()


def _metrics() -> _Metrics:
    # Else two threads could make them twice at the first request.
    with _building:
        return _built()
