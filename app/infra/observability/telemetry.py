"""What leaves for OpenTelemetry and Sentry, where the operator has asked for either.

Nothing of theirs is imported, and nothing of theirs looks around by itself: they would send
addresses with their queries, headers, local variables. What is sent is named here, word by word,
and holds no identifier of a person, no text of an exception and no value (security.md R110).
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer
    from sentry_sdk.transport import Transport

Attributes = Mapping[str, str | int]

# The request that this thread answers, if it is traced.
_answering: ContextVar["Spans | None"] = ContextVar("answering", default=None)
# Of a frame: where it is. Its variables are not among them.
_OF_A_FRAME: Final = ("filename", "function", "lineno", "module", "in_app")


class Spans:
    """Traces requests: a span for each, and one below it for each call to Graph."""

    def __init__(self, exporter: "SpanExporter") -> None:
        self._exporter = exporter

    @cached_property
    def _provider(self) -> Any:
        # Here, in the process that answers: its thread would not survive a fork.
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        # The name and the sampler are OTEL_SERVICE_NAME's and OTEL_TRACES_SAMPLER's to say.
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(self._exporter))
        return provider

    @cached_property
    def _tracer(self) -> "Tracer":
        tracer: Tracer = self._provider.get_tracer("threadlink")
        return tracer

    @contextmanager
    def request(self, name: str) -> Iterator["Span"]:
        """Trace what is done until the block ends as a request that is called *name*."""
        from opentelemetry.context import Context  # noqa: PLC0415 - an extra
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        told = _answering.set(self)
        try:
            # A new trace always: what a stranger's traceparent says is the stranger's.
            with self._tracer.start_as_current_span(
                name,
                context=Context(),
                kind=SpanKind.SERVER,
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                yield span
        finally:
            _answering.reset(told)

    def past(self, name: str, *, seconds: float, attributes: Attributes) -> None:
        """Add a span that has ended this moment, below the one that is current."""
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
        """Send what has not been sent."""
        if "_provider" in self.__dict__:
            self._provider.shutdown()


def graph_call(name: str, outcome: str, *, seconds: float) -> None:
    """Note a call to Graph below the request it was made for, where that is traced."""
    if spans := _answering.get():
        spans.past(f"graph {name}", seconds=seconds, attributes={"threadlink.outcome": outcome})


class ErrorReporter:
    """Sends faults of ours to Sentry: their kind and where they happened, never what they said."""

    def __init__(self, dsn: str, transport: "type[Transport] | None" = None) -> None:
        import sentry_sdk  # noqa: PLC0415 - an extra

        self._client = sentry_sdk.Client(
            dsn=dsn,
            transport=transport,
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            # argv, the environment and what is installed are nobody's business.
            before_send=_scrubbed,
        )

    def report(self, event: str, exc: BaseException) -> None:
        """Send *exc*, which the log calls *event*."""
        from sentry_sdk.utils import event_from_exception  # noqa: PLC0415 - an extra

        told, hint = event_from_exception(exc, client_options=self._client.options)
        self._client.capture_event({**told, "transaction": event}, hint)

    def close(self) -> None:
        """Send what has not been sent."""
        self._client.close(timeout=2.0)


def _scrubbed(event: Any, _hint: Any) -> Any:
    kept = ("event_id", "timestamp", "platform", "level", "transaction", "release", "environment")
    values = [
        {
            "type": one.get("type"),
            "module": one.get("module"),
            "stacktrace": {"frames": _frames(one.get("stacktrace"))},
        }
        for one in event.get("exception", {}).get("values", ())
    ]
    return {name: event[name] for name in kept if name in event} | {"exception": {"values": values}}


def _frames(stacktrace: Any) -> list[dict[str, Any]]:
    frames = (stacktrace or {}).get("frames", ())
    return [{name: frame[name] for name in _OF_A_FRAME if name in frame} for frame in frames]


def spans_for(endpoint: str | None, headers: str | None) -> Spans | None:
    """Return what sends traces to *endpoint*, by OTLP over HTTP; None where there is none.

    *headers* are as OTEL_EXPORTER_OTLP_HEADERS has them: ``name=value``, separated by commas.
    """
    if endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
        OTLPSpanExporter,
    )
    from opentelemetry.util.re import parse_env_headers  # noqa: PLC0415

    sent = parse_env_headers(headers or "", liberal=True)
    return Spans(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=sent))


def error_reporter_for(dsn: str | None) -> ErrorReporter | None:
    """Return what sends faults to the project that *dsn* names; None where there is none."""
    return None if dsn is None else ErrorReporter(dsn)
