"""The queries of the dashboard and of the alerts use series and labels that /metrics has."""

import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import URL

from app import create_app
from app.infra import clock
from app.infra.observability import metrics
from app.linking.graph_unlink import enqueue_unlink
from app.outbox import heartbeats
from app.outbox.circuit_breaker import Cause, OpenCircuit
from app.services.container import build
from app.setup import page_profiles
from app.setup.page_profiles import KeptProfile
from tests.browsers import InProcess
from tests.conftest import on_sqlite
from tests.deploy.test_files import LABEL, expressions, panels, rules
from tests.installation import ANA, PAGE, PUBLIC_URL, settings_for

SELECTOR: Final = re.compile(r"\b(up|threadlink_[a-z_]+)\b(?:{([^}]*)})?")
BY: Final = re.compile(r"\bby \(([^)]*)\)")
# Prometheus matches the two sides of these operators by equal labels.
MATCHED: Final = re.compile(r"\s(?:unless|and|/)\s")
# Labels that Prometheus adds to everything it scrapes.
SCRAPED: Final = frozenset({"job", "instance"})
Series = Mapping[str, frozenset[str]]


@pytest.fixture
def series(database: URL) -> Series:
    """Return the labels of each series, of a server in which every counter is in use."""
    metrics.count_delivery("taken", seconds=0.1)
    metrics.count_link_event("made")
    metrics.count_page_standing("restricted")
    metrics.count_log_entry("stored")
    metrics.count_step("enter", "ok")
    metrics.count_sign_in_failure("throttled")
    metrics.count_authenticator_failure("local", "away")
    metrics.count_redirect_refusal("origin")
    metrics.count_name("profile")
    metrics.count_picture("shown")
    metrics.count_graph_call("page", "ok", seconds=0.1, usage={"x-app-usage": 1})
    metrics.count_door_refusal("no thread free")
    metrics.count_console_sign_in("local", "done")
    metrics.count_operator_act("unlinked")
    services = build(settings_for(database, METRICS_TOKEN="token"))
    services.write(enqueue_unlink, PAGE, ANA, at=clock.now())
    circuit = OpenCircuit("notice", clock.now(), Cause.REFUSED, "status 500")
    services.write(heartbeats.record_heartbeat, "w", [circuit], at=clock.now())
    services.write(heartbeats.record_meta_check, "w", 0, at=clock.now())
    services.write(page_profiles.claim, PAGE, at=clock.now())
    services.write(page_profiles.keep, PAGE, KeptProfile("Harbour", answered_at=clock.now()))
    client = InProcess(create_app(services), PUBLIC_URL)
    answer = client("GET", "/metrics", headers={"Authorization": "Bearer token"})
    services.close()
    return {"up": SCRAPED} | {
        sample.name: SCRAPED | sample.labels.keys()
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def grouped(text: str) -> set[str]:
    """Return the labels by which the query *text* groups."""
    return {label for each in BY.findall(text) for label in each.split(", ")}


@on_sqlite
def test_every_queried_series_has_the_queried_labels(series: Series) -> None:
    """
    A selector or grouping by a missing label is not an error, but always empty.
    """
    for text in expressions():
        asked = SELECTOR.findall(text)
        assert asked, text
        for name, selected in asked:
            assert name in series, text
            assert {label for label, _, _ in LABEL.findall(selected)} <= series[name], text
        assert grouped(text) <= {label for name, _ in asked for label in series[name]}, text


def test_a_summary_or_legend_uses_only_grouped_labels() -> None:
    """
    Any other label is lost in the sum, and would be blank in the text.
    """
    told = [(rule["expr"], rule["annotations"]["summary"]) for rule in rules()]
    told += [(t["expr"], t.get("legendFormat", "")) for panel in panels() for t in panel["targets"]]

    for text, words in told:
        labels = re.findall(r"\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}", words)
        assert set(labels) <= grouped(text) - {"le"}, (text, words)


def test_compared_series_have_the_same_labels() -> None:
    """
    Otherwise "unless" never matches, because the labels differ: both sides are summed.
    """
    several = [sides for text in expressions() if len(sides := MATCHED.split(text)) > 1]

    assert several
    for sides in several:
        heads = [re.match(r"(?:sum|max|min)(?: by \([^)]*\))?\(", side.strip()) for side in sides]
        assert all(heads), sides
        assert 1 == len({head[0].partition("(")[0] for head in heads if head}), sides


def test_every_counter_of_an_alert_exists_before_its_first_increment() -> None:
    """
    Prometheus sees no increase in a series that begins with 1, so the first event would be lost.
    """
    code = """
from app.infra.observability import metrics

# As at the start of a server, with the names in its settings (tests/cli/test_served_metrics.py).
metrics.prepare_authenticators(["local"])
print(metrics.exposition([]).decode())
"""
    fresh = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    told = {
        (sample.name, label, value)
        for family in text_string_to_metric_families(fresh.stdout)
        for sample in family.samples
        for label, value in sample.labels.items()
    }
    counted = {
        (name, label, value)
        for rule in rules()
        for name, selected in re.findall(r"increase\((\w+){([^}]*)}", rule["expr"])
        for label, _, values in LABEL.findall(selected)
        for value in values.split("|")
    }

    assert len(counted) > 5
    assert set() == counted - told
