"""What this server counts, named in one place. No label holds an identifier (security.md R12).

With several workers, `serve` names a folder in PROMETHEUS_MULTIPROC_DIR before they start, and
whichever worker is asked answers for all.
"""

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

# Messenger waits for 5 s and is answered within 3.
_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 5.0)
_SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)
_building: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Reading:
    """What is true at the moment it is asked for: a value for each set of values of *labels*."""

    name: str
    words: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


class _Instruments:
    """Every counter, gauge and histogram."""

    def __init__(self) -> None:
        # The library decides when it is imported whether processes share: `serve` has not said so
        # yet when this module is.
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram  # noqa: PLC0415

        self.registry = mine = CollectorRegistry()
        self.webhook = Counter(
            "threadlink_webhook_requests", "Deliveries, by their end.", ["outcome"], registry=mine
        )
        self.webhook_seconds = Histogram(
            "threadlink_webhook_seconds",
            "How long Messenger waited for the answer to a delivery.",
            buckets=_QUICK,
            registry=mine,
        )
        self.link_events = Counter(
            "threadlink_link_events",
            "Account-linking events, by what they did.",
            ["outcome"],
            registry=mine,
        )
        self.steps = Counter(
            "threadlink_attempt_steps",
            "Steps of people who connect their account, by how each ended.",
            ["step", "outcome"],
            registry=mine,
        )
        self.sign_in_failures = Counter(
            "threadlink_sign_in_failures", "Failed sign-ins, by kind.", ["kind"], registry=mine
        )
        self.redirect_refusals = Counter(
            "threadlink_redirect_refusals",
            "redirect_uri values that were not Messenger's, by what was wrong.",
            ["reason"],
            registry=mine,
        )
        self.graph_calls = Counter(
            "threadlink_graph_calls", "Calls to Graph.", ["call", "outcome"], registry=mine
        )
        self.graph_seconds = Histogram(
            "threadlink_graph_seconds",
            "How long Graph took.",
            ["call"],
            buckets=_SLOW,
            registry=mine,
        )
        self.graph_usage = Gauge(
            "threadlink_graph_usage_percent",
            "How much of its allowances Graph's last answer found used, by its header.",
            ["header"],
            registry=mine,
            multiprocess_mode="mostrecent",
        )
        self.door_refusals = Counter(
            "threadlink_door_refusals",
            "Requests that were answered before they reached the application, by the reason.",
            ["reason"],
            registry=mine,
        )
        self._show_zeros()

    def _show_zeros(self) -> None:
        # What the alerts count: of a series that begins with a 1, Prometheus sees no increase.
        for outcome in ("taken", "bad_signature"):
            self.webhook.labels(outcome)
        for outcome in ("made", "replaced"):
            self.link_events.labels(outcome)
        for kind in ("provider_away", "throttled"):
            self.sign_in_failures.labels(kind)
        for reason in ("no thread free", "too many bodies"):
            self.door_refusals.labels(reason)
        self.graph_calls.labels("recipient_for", "TokenDead")


def prepare() -> None:
    """Make what is counted in, so that the first request need not wait for it."""
    _instruments()


def count_delivery(outcome: str, *, seconds: float) -> None:
    """Count one POST to the webhook and how long it took."""
    _instruments().webhook.labels(outcome).inc()
    _instruments().webhook_seconds.observe(seconds)


def count_link_event(outcome: str) -> None:
    """Count one account-linking event."""
    _instruments().link_events.labels(outcome).inc()


def count_step(step: str, outcome: str) -> None:
    """Count one step of a person on the way to a link."""
    _instruments().steps.labels(step, outcome).inc()


def count_sign_in_failure(kind: str) -> None:
    """Count a sign-in that failed."""
    _instruments().sign_in_failures.labels(kind).inc()


def count_redirect_refusal(reason: str) -> None:
    """Count a redirect_uri that was refused."""
    _instruments().redirect_refusals.labels(reason).inc()


def count_graph_call(call: str, outcome: str, *, seconds: float, usage: Mapping[str, int]) -> None:
    """Count one try of a call to Graph; *usage* is the percentage that each header tells."""
    found = _instruments()
    found.graph_calls.labels(call, outcome).inc()
    found.graph_seconds.labels(call).observe(seconds)
    for header, percent in usage.items():
        found.graph_usage.labels(header).set(percent)


def count_door_refusal(reason: str) -> None:
    """Count a request that was not let in."""
    _instruments().door_refusals.labels(reason).inc()


def exposition(readings: Iterable[Reading]) -> bytes:
    """Return every figure as Prometheus reads it, *readings* included."""
    # For the same reason as above.
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    counted, momentary = _instruments().registry, CollectorRegistry()
    if FOLDER in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]  # the library's own
    momentary.register(_Readings(readings))
    return generate_latest(counted) + generate_latest(momentary)


class _Readings:
    """Readings in the form that the library collects; they belong to no process."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = tuple(readings)

    def collect(self) -> Iterable[Any]:
        from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415

        for reading in self._readings:
            family = GaugeMetricFamily(reading.name, reading.words, labels=reading.labels)
            for values, number in reading.values.items():
                family.add_metric(values, number)
            yield family


@cache
def _built() -> _Instruments:
    return _Instruments()


def _instruments() -> _Instruments:
    # Two threads that find nothing must not make two.
    with _building:
        return _built()
