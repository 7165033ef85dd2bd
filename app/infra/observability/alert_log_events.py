"""The meaning of the log events about alerts for the operator's own address."""

from typing import Final

from app.infra.observability.log_event import LogEvent

ALERTS: Final = (
    LogEvent(
        "alert.queued",
        "An alert for OPERATOR_WEBHOOK_URL was put into the outbox: its `kind`, the `cause` and "
        "the `page`, if the fault is of one.",
        "[Alerts without Prometheus](operations.md#alerts-without-prometheus) names the causes.",
    ),
)
