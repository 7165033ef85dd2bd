"""The /metrics endpoint, and the counters of requests: kept here, out of the views."""

import hmac
import time
from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Flask, Response, abort, g, request

from app.infra import clock
from app.infra.observability import metrics
from app.infra.observability.readings import Reading
from app.linking import chat_messages, graph_unlink
from app.messenger.errors import RedirectRefused
from app.outbox import dropped, heartbeats, inspection
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.outbox.inspection import QueueStats
from app.outbox.operator_webhook import ALERT
from app.outbox.queue import Lane
from app.privacy import requests as privacy_requests
from app.web.current import services
from app.web.exceptions import LinkIncomplete
from app.web.problems.table import PROBLEMS

bp = Blueprint("metrics", __name__)

# The endpoints that are steps of an attempt; others only show something.
_STEPS: Final = frozenset(
    {"enter", "sign_in", "depart", "come_back", "confirm", "send_digits", "sign_out", "cancel"}
)
_SIGN_IN: Final = frozenset({"sign_in", "depart", "come_back"})
_PERSON_BLUEPRINTS: Final = frozenset({"authorize", "oidc"})
# The answer to a link preview, which is not a step.
_PREVIEW: Final = 204
_KINDS: Final = (
    DELIVERY,
    NOTICE,
    ALERT,
    graph_unlink.KIND,
    chat_messages.ASK,
    chat_messages.SAY,
    privacy_requests.ITEM_KIND,
)
_QUEUES: Final = (*(("waiting", lane.name.lower()) for lane in Lane), ("dead", ""))
_OF_THE_WAY_BACK: Final = {PROBLEMS[kind].name for kind in (RedirectRefused, LinkIncomplete)}


def register(app: Flask) -> None:
    """Count *app*'s webhook deliveries and steps of attempts."""
    app.before_request(_start_timer)
    app.after_request(_count)


@bp.get("/metrics")
def serve_metrics() -> Response:
    """Return the metrics to a client with METRICS_TOKEN; 404 to every other."""
    token = services().settings.monitoring.metrics_token
    authorization = request.headers.get("Authorization", "")
    if token is None or not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        abort(404)
    return Response(
        metrics.exposition((*_outbox(), *_workers(), _pages(), _duties())),
        content_type=metrics.CONTENT_TYPE,
    )


def _outbox() -> Iterator[Reading]:
    at = clock.now()
    queues = services().read(inspection.queue_stats, most=inspection.COUNTED_UP_TO)
    names = ("kind", "state", "lane")
    # With a zero for what is empty: an alert on growth needs the value of before.
    yield Reading(
        "threadlink_outbox_items",
        f"Outbox items that are waiting or dead, counted up to {inspection.COUNTED_UP_TO}.",
        names,
        {
            **{(kind, *queue): 0 for kind in _KINDS for queue in _QUEUES},
            **{_labels(queue): queue.count for queue in queues},
        },
    )
    ages = {_labels(queue): (at - queue.oldest_at).total_seconds() for queue in queues}
    yield Reading(
        "threadlink_outbox_oldest_seconds",
        "Age of the oldest outbox item.",
        names,
        {labels: max(0.0, age) for labels, age in ages.items()},
    )
    circuits = services().read(heartbeats.open_circuits, at=at)
    failing = {(c.kind, c.cause.name.lower()): (at - c.since).total_seconds() for c in circuits}
    yield Reading(
        "threadlink_outbox_failing_seconds",
        "Time since the target of a kind began to take nothing.",
        ("kind", "cause"),
        {labels: max(0.0, age) for labels, age in failing.items()},
    )
    lost = services().read(dropped.totals).dropped
    yield _single("threadlink_outbox_dropped", "Deliveries that the bot never got, ever.", lost)


def _labels(queue: QueueStats) -> tuple[str, str, str]:
    return queue.kind, queue.state, queue.lane.name.lower() if queue.lane else ""


def _workers() -> Iterator[Reading]:
    at = clock.now()
    workers = services().read(heartbeats.workers_status, at=at)
    yield _single(
        "threadlink_workers", "Workers with a heartbeat in the last minute.", workers.alive
    )
    if workers.beat_at is not None:
        age = max(0.0, (at - workers.beat_at).total_seconds())
        yield _single("threadlink_worker_beat_age_seconds", "Age of the last heartbeat.", age)
    if workers.faults is not None:
        help_text = "Problems that the daily check at Meta found."
        yield _single("threadlink_setup_faults", help_text, workers.faults)


def _pages() -> Reading:
    at, known = clock.now(), services().page_profiles
    told = {page_id: known.of(page_id).answered_at for page_id in services().page_ids}
    return Reading(
        "threadlink_page_profile_age_seconds",
        "Time since Meta told the name and the picture of a Page; none where it never has.",
        ("page_id",),
        {
            (page_id,): max(0.0, (at - answered_at).total_seconds())
            for page_id, answered_at in told.items()
            if answered_at is not None
        },
    )


def _duties() -> Reading:
    at = clock.now()
    oldest_at = services().read(privacy_requests.duties, at=at).oldest_at
    age = 0.0 if oldest_at is None else max(0.0, (at - oldest_at).total_seconds())
    return _single(
        "threadlink_privacy_duty_age_seconds",
        "Age of the oldest privacy request that waits for an operator; 0 where none does.",
        age,
    )


def _single(name: str, help_text: str, value: float) -> Reading:
    return Reading(name, help_text, (), {(): value})


def _start_timer() -> None:
    g.started = time.perf_counter()


def _count(response: Response) -> Response:
    problem: str | None = g.get("problem")
    if request.endpoint == "webhook.receive":
        outcome = problem or "taken"
        metrics.count_delivery(outcome, seconds=time.perf_counter() - g.started)
    elif request.blueprint in _PERSON_BLUEPRINTS:
        _count_step((request.endpoint or "").rpartition(".")[2], response.status_code, problem)
    return response


def _count_step(step: str, status: int, problem: str | None) -> None:
    if step not in _STEPS or status == _PREVIEW:
        return
    outcome = problem or ("ok" if status in {200, 303} else "refused")
    metrics.count_step(step, outcome)
    if step in _SIGN_IN and outcome != "ok":
        metrics.count_sign_in_failure(outcome)
    if problem in _OF_THE_WAY_BACK and g.reason:
        metrics.count_redirect_refusal(g.reason)
