"""Prometheus metrics: every counter, gauge and histogram. No label holds an identifier (R12).

With several worker processes, `serve` sets PROMETHEUS_MULTIPROC_DIR before they start, and any
of them answers for all.
"""

import os
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import product
from typing import Final, Literal, TypeAlias, get_args

from app.infra.observability.metric_families import (
    ConsoleMetrics,
    GraphMetrics,
    PageMetrics,
    ProfileMetrics,
    ServerMetrics,
    WebhookMetrics,
)
from app.infra.observability.readings import Reading, Readings

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

# away: it may answer in a minute. misconfigured: not before something is changed.
Failure: TypeAlias = Literal["away", "misconfigured"]
PictureOutcome: TypeAlias = Literal["shown", "none", "refused", "slow"]
_building: Final = threading.Lock()


class _Metrics:
    """Every counter, gauge and histogram."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 - as metric_families says

        self.registry = CollectorRegistry()
        self.webhook = WebhookMetrics(self.registry)
        self.pages = PageMetrics(self.registry)
        self.profiles = ProfileMetrics(self.registry)
        self.graph = GraphMetrics(self.registry)
        self.server = ServerMetrics(self.registry)
        self.console = ConsoleMetrics(self.registry)


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


def count_console_sign_in(method: str, outcome: str) -> None:
    """Count one sign-in of an operator, by *method*: ``local`` or ``oidc``."""
    _metrics().console.sign_ins.labels(method, outcome).inc()


def count_operator_act(act: str) -> None:
    """Count one act of an operator in the console."""
    _metrics().console.acts.labels(act).inc()


def exposition(readings: Iterable[Reading]) -> bytes:
    """Return all metrics in the text format of Prometheus, *readings* included."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - as metric_families says
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
