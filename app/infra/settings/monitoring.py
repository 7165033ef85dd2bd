"""Monitoring: access to /metrics, and where traces and errors are sent."""

from dataclasses import dataclass, field

from app.infra.settings.parsing import bot_url, installed, sentry_dsn
from app.infra.settings.reader import Reader
from app.infra.settings.secret_values import copied_secret, header_list


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringSettings:
    """METRICS_TOKEN, OpenTelemetry and Sentry; each is off where it is None."""

    metrics_token: str | None = field(repr=False)
    otlp_endpoint: str | None
    otlp_headers: str | None = field(repr=False)
    sentry_dsn: str | None = field(repr=False)


def read_monitoring(reader: Reader) -> MonitoringSettings:
    """Return the settings of monitoring."""
    return MonitoringSettings(
        metrics_token=reader.optional("METRICS_TOKEN", copied_secret, None),
        otlp_endpoint=reader.optional(
            "OTEL_EXPORTER_OTLP_ENDPOINT", installed("otel", "opentelemetry.sdk", bot_url), None
        ),
        otlp_headers=reader.optional("OTEL_EXPORTER_OTLP_HEADERS", header_list, None),
        sentry_dsn=reader.optional(
            "SENTRY_DSN", installed("sentry", "sentry_sdk", sentry_dsn), None
        ),
    )
