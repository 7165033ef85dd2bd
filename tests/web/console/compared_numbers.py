"""What the overview says, beside what commands, metrics and tables say of the same day (R142)."""

import json
from datetime import timedelta
from typing import Final

from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from app.infra import clock
from app.linking import delivery_counts
from app.services.container import Services
from tests.browsers import Answer, InProcess
from tests.cli.terminal import Operator
from tests.web.console.pages_read import tables_of, words_of

METRICS_TOKEN: Final = "canary-metrics-token"
_STATES: Final = {"never tried": "fresh", "failed, tried again": "retries", "dead": ""}
_DAY: Final = timedelta(days=1)


def assert_attempts_equal(page: Answer, services: Services) -> None:
    """Compare stages, causes, days, times and what is under way with `attempts causes`."""
    told = json.loads(
        Operator(services).types("attempts", "causes", "--days", "7", "--json").stdout
    )
    tables, words = tables_of(page), words_of(page.text)
    stages = {row[0].replace(" ", "_"): _number(row[1]) for row in tables["How far people come"]}
    assert told["reached"] == stages
    causes = [
        (row[0].replace(" ", "_"), _number(row[1]))
        for row in tables["Causes, the most frequent first"]
    ]
    assert [(one["cause"], one["attempts"]) for one in told["causes"]] == causes
    by_day = [[_number(cell) for cell in row[1:]] for row in tables["Attempts by day"]]
    assert [told["reached"]["opened"], told["reached"]["linked"]] == [
        sum(column) for column in zip(*by_day, strict=True)
    ]
    assert told["reached"]["linked"] == sum(
        _number(row[1]) for row in tables["Time from opening to link"]
    )
    assert f"within {told['median_seconds']} seconds" in words
    waiting = int(words.split(" waiting for Messenger")[0].rsplit(" ", 1)[1].replace(",", ""))
    under_way = int(words.split(" under way, ")[0].rsplit(" ", 1)[1].replace(",", ""))
    assert told["under_way"] == waiting + under_way


def assert_queue_equals(page: Answer, app: Flask) -> None:
    """Compare queues, workers and what was given up with /metrics of *app*."""
    metrics = _metrics(app)
    tables, words = tables_of(page), words_of(page.text)
    shown = {
        (kind, _STATES[state]): _number(count)
        for kind, state, count, _ in tables.get("What waits, by kind", ())
    }
    waiting = {
        (labels["kind"], labels["lane"]): value
        for name, labels, value in metrics
        if name == "threadlink_outbox_items" and value
    }
    assert waiting == shown
    single = {name: value for name, labels, value in metrics if not labels}
    assert f"Workers alive: {single['threadlink_workers']:.0f};" in words
    assert f"ever: {single['threadlink_outbox_dropped']:.0f}." in words


def assert_deliveries_equal(page: Answer, services: Services) -> None:
    """Compare the deliveries of the last days with the rows in which they are counted."""
    rows = tables_of(page)["Deliveries by day"]
    at = clock.now()
    seen = services.read(delivery_counts.seen, since=at - 6 * _DAY, until=at)
    assert (seen.taken, seen.refused) == (
        sum(_number(row[1]) for row in rows),
        sum(_number(row[2]) for row in rows),
    )


def _metrics(app: Flask) -> list[tuple[str, dict[str, str], float]]:
    answer = InProcess(app, "http://127.0.0.1:8000")(
        "GET", "/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
    )
    return [
        (sample.name, dict(sample.labels), sample.value)
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    ]


def _number(text: str) -> int:
    return int(text.replace(",", ""))
