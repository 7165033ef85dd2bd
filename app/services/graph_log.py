"""The log, the counters and the trace of our requests to Graph."""

import structlog

from app.infra.observability import metrics, telemetry
from app.messenger.graph.transport import Observation

log = structlog.get_logger()


def report(call: Observation) -> None:
    """Log, count and trace one request."""
    metrics.count_graph_call(
        call.call, call.outcome, seconds=call.took_s, usage=call.usage.percents
    )
    telemetry.graph_call(call.call, call.outcome, seconds=call.took_s)
    log.info(
        "graph.call",
        call=call.call,
        outcome=call.outcome,
        seconds=round(call.took_s, 3),
        code=call.code,
        subcode=call.subcode,
        fbtrace_id=call.trace_id,
    )
