"""What Prometheus reads, and where the web's part of it is counted: in one place, off the views."""

import hmac
import time
from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Flask, Response, abort, g, request

from app.infra import clock
from app.infra.observability import metrics
from app.infra.observability.metrics import Reading
from app.messenger.errors import RedirectRefused
from app.outbox import heartbeats, retention
from app.web.current import services
from app.web.problems import PROBLEMS

bp = Blueprint("figures", __name__)

# What a person's request may be called; others only look.
_STEPS: Final = frozenset(
    {"enter", "sign_in", "depart", "come_back", "confirm", "send_digits", "sign_out", "cancel"}
)
_SIGN_IN: Final = frozenset({"sign_in", "depart", "come_back"})
_OF_PERSONS: Final = frozenset({"authorize", "oidc"})
_PREVIEW: Final = 204
_REDIRECT: Final = PROBLEMS[RedirectRefused].name


def register(app: Flask) -> None:
    """Let *app* count every request that says how linking goes."""
    app.before_request(_start_watch)
    app.after_request(_count)


@bp.get("/metrics")
def expose() -> Response:
    """Answer Prometheus; to everybody else there is nothing here."""
    token = services().settings.monitoring.metrics_token
    given = request.headers.get("Authorization", "")
    if token is None or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        abort(404)
    return Response(metrics.exposition((*_waiting(), *_crew())), content_type=metrics.CONTENT_TYPE)


def _waiting() -> tuple[Reading, Reading]:
    at, queues = clock.now(), services().read(retention.queues)
    ages = {(q.kind, q.state): (at - q.oldest_at).total_seconds() for q in queues}
    return (
        Reading(
            "threadlink_outbox_items",
            "Things that commits have asked for and that are not done.",
            ("kind", "state"),
            {(queue.kind, queue.state): queue.count for queue in queues},
        ),
        Reading(
            "threadlink_outbox_oldest_seconds",
            "How long the oldest of them has existed.",
            ("kind", "state"),
            {names: max(0.0, age) for names, age in ages.items()},
        ),
    )


def _crew() -> Iterator[Reading]:
    at = clock.now()
    crew = services().read(heartbeats.workers_status, at=at)
    yield _one("threadlink_workers", "Workers that were heard within a minute.", crew.alive)
    if crew.beat_at is not None:
        age = max(0.0, (at - crew.beat_at).total_seconds())
        yield _one("threadlink_worker_beat_age_seconds", "Since any worker was heard.", age)
    if crew.faults is not None:
        words = "What the daily look at Meta's side found wrong."
        yield _one("threadlink_setup_faults", words, crew.faults)


def _one(name: str, words: str, value: float) -> Reading:
    return Reading(name, words, (), {(): value})


def _start_watch() -> None:
    g.started = time.perf_counter()


def _count(response: Response) -> Response:
    problem: str | None = g.get("problem")
    if request.endpoint == "webhook.receive":
        outcome = problem or "taken"
        metrics.count_delivery(outcome, seconds=time.perf_counter() - g.started)
    elif request.blueprint in _OF_PERSONS:
        _count_step((request.endpoint or "").rpartition(".")[2], response.status_code, problem)
    return response


def _count_step(step: str, status: int, problem: str | None) -> None:
    if step not in _STEPS or status == _PREVIEW:
        return
    outcome = problem or ("ok" if status in {200, 303} else "refused")
    metrics.count_step(step, outcome)
    if step in _SIGN_IN and outcome != "ok":
        metrics.count_sign_in_failure(outcome)
    if problem == _REDIRECT:
        metrics.count_redirect_refusal(g.reason)
