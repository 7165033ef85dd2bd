"""Traces for OpenTelemetry and errors for Sentry, if the settings ask for them.

Both libraries are imported only then, and their automatic instrumentation is off: it would send
queries, headers and local variables. All that is sent is named here, and contains no identifier of
a person, no text of an exception and no value (R110).
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import PoolManager

from app.infra.network.egress import DIRECT, Egress, pool_manager
from app.infra.network.http_client import new_session

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer
    from sentry_sdk.transport import Transport

Attributes = Mapping[str, str | int]

# The tracer of the request that this thread answers, if it is traced.
_answering: ContextVar["Spans | None"] = ContextVar("answering", default=None)
# The place of a frame, without its variables.
_OF_A_FRAME: Final = ("filename", "function", "lineno", "module", "in_app")


class Spans:
    """Makes a span for each request, and one below it for each call to Graph."""

    def __init__(self, exporter: "SpanExporter") -> None:
        self._exporter = exporter

    @cached_property
    def _provider(self) -> Any:
        # Made in the process that answers requests: its thread would not survive a fork.
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        # OTEL_SERVICE_NAME and OTEL_TRACES_SAMPLER set the name and the sampler.
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(self._exporter))
        return provider

    @cached_property
    def _tracer(self) -> "Tracer":
        tracer: Tracer = self._provider.get_tracer("threadlink")
        return tracer

    @contextmanager
    def request(self, name: str) -> Iterator["Span"]:
        """Make a span called *name* for a request, until the block ends."""
        from opentelemetry.context import Context  # noqa: PLC0415 - an extra
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        token = _answering.set(self)
        try:
            # Always a new trace: a stranger may have sent the traceparent header.
            with self._tracer.start_as_current_span(
                name,
                context=Context(),
                kind=SpanKind.SERVER,
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                yield span
        finally:
            _answering.reset(token)

    def past(self, name: str, *, seconds: float, attributes: Attributes) -> None:
        """Add a span that ends now and took *seconds*, below the current one."""
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - an extra

        ended = time.time_ns()
        span = self._tracer.start_span(
            name,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=ended - int(seconds * 1e9),
        )
        span.end(ended)

    def close(self) -> None:
        """Send what is still queued."""
        if "_provider" in self.__dict__:
            self._provider.shutdown()


def graph_call(name: str, outcome: str, *, seconds: float) -> None:
    """Add a span for a call to Graph below the span of its request, if that is traced."""
    if spans := _answering.get():
        spans.past(f"graph {name}", seconds=seconds, attributes={"threadlink.outcome": outcome})


class ErrorReporter:
    """Sends unexpected exceptions to Sentry: type and place, never their text."""

    def __init__(
        self, dsn: str, egress: Egress = DIRECT, transport: "type[Transport] | None" = None
    ) -> None:
        import sentry_sdk  # noqa: PLC0415 - an extra

        self._client = sentry_sdk.Client(
            dsn=dsn,
            transport=transport or _transport_by(egress, dsn),
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            # Removes argv, the environment, the installed packages and more.
            before_send=_scrubbed,
        )

    def report(self, event: str, exc: BaseException) -> None:
        """Send *exc*, which was logged as *event*."""
        from sentry_sdk.utils import event_from_exception  # noqa: PLC0415 - an extra

        sentry_event, hint = event_from_exception(exc, client_options=self._client.options)
        self._client.capture_event({**sentry_event, "transaction": event}, hint)

    def close(self) -> None:
        """Send what is still queued."""
        self._client.close(timeout=2.0)


def _scrubbed(event: Any, _hint: Any) -> Any:
    kept = ("event_id", "timestamp", "platform", "level", "transaction", "release", "environment")
    values = [
        {
            "type": value.get("type"),
            "module": value.get("module"),
            "stacktrace": {"frames": _frames(value.get("stacktrace"))},
        }
        for value in event.get("exception", {}).get("values", ())
    ]
    return {name: event[name] for name in kept if name in event} | {"exception": {"values": values}}


def _frames(stacktrace: Any) -> list[dict[str, Any]]:
    frames = (stacktrace or {}).get("frames", ())
    return [{name: frame[name] for name in _OF_A_FRAME if name in frame} for frame in frames]


def _transport_by(egress: Egress, dsn: str) -> "type[Transport]":
    """Return a transport that goes by *egress*; Sentry's own would heed the environment."""
    from sentry_sdk.transport import HttpTransport  # noqa: PLC0415 - an extra

    class ByEgress(HttpTransport):
        def _make_pool(self) -> PoolManager:
            return pool_manager(
                egress.proxy_for(dsn),
                egress.added_certificates,
                num_pools=2,
                ca_certs=DEFAULT_CA_BUNDLE_PATH,
            )

    return ByEgress


def spans_for(endpoint: str | None, headers: str | None, egress: Egress = DIRECT) -> Spans | None:
    """Return a `Spans` that exports to *endpoint* by OTLP over HTTP; None without an endpoint.

    *headers* are ``name=value``, separated by commas, as in OTEL_EXPORTER_OTLP_HEADERS.
    """
    if endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
        OTLPSpanExporter,
    )
    from opentelemetry.util.re import parse_env_headers  # noqa: PLC0415

    parsed = parse_env_headers(headers or "", liberal=True)
    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=parsed, session=new_session(egress)
    )
    return Spans(exporter)


def error_reporter_for(dsn: str | None, egress: Egress = DIRECT) -> ErrorReporter | None:
    """Return an `ErrorReporter` for the project of *dsn*; None without a DSN."""
    return None if dsn is None else ErrorReporter(dsn, egress)
