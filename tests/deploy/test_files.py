"""The files for operators name only metrics, labels, signals and files that exist."""

import json
import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any, Final, get_args

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import URL

from app import create_app
from app.infra import clock
from app.infra.observability.metrics import Failure
from app.infra.stalls import STALLED_AFTER
from app.messenger import errors as graph_errors
from app.messenger.graph.meanings import CONSEQUENCES, GraphCall, Meaning
from app.messenger.page_integrity import Standing
from app.outbox import heartbeats
from app.outbox.circuit_breaker import Cause
from app.outbox.queue import Lane
from app.services.container import build
from app.web.problems import forms, pages, table
from app.web.problems.problem import Problem
from tests.browsers import InProcess
from tests.conftest import on_sqlite
from tests.installation import PUBLIC_URL, settings_for

DEPLOY = Path(__file__).parents[2] / "docs/deploy"
LABEL = re.compile(r'\b([a-z_]+)(=~|!~|!=|=)"([^"]*)"')
# Outcomes of success, which are no problem's name.
GOOD: Final = {
    "taken",
    "ok",
    "made",
    "replaced",
    "unchanged",
    "ended",
    "waiting",
    "dead",
    "stored",
    "repeated",
}


def rules() -> list[dict[str, Any]]:
    told = yaml.safe_load((DEPLOY / "alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in told["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))["panels"]
    return told


def expressions() -> Iterator[str]:
    """Yield every query of the dashboard and of the rules."""
    yield from (rule["expr"] for rule in rules())
    for panel in panels():
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture
def exposed(database: URL) -> set[str]:
    """Return the names of all metrics."""
    services = build(settings_for(database, METRICS_TOKEN="token"))
    services.write(heartbeats.record_meta_check, "w", 0, at=clock.now())
    answer = InProcess(create_app(services), PUBLIC_URL)(
        "GET", "/metrics", headers={"Authorization": "Bearer token"}
    )
    services.close()
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    return {name for name in names if not name.endswith("_created")}


@on_sqlite
def test_dashboard_and_alerts_use_metrics_that_exist(exposed: set[str]) -> None:
    """
    A rule about a renamed metric never fires, and the fault goes unnoticed.
    """
    named = set(re.findall(r"threadlink_[a-z_]+", " ".join(expressions())))

    assert set() == {re.sub(r"_(total|bucket)$", "", name) for name in named} - exposed
    # And vice versa: every metric is shown.
    assert set() == exposed - {re.sub(r"_(total|bucket)$", "", name) for name in named}


def test_dashboard_and_alerts_use_label_values_that_exist() -> None:
    """
    The same for a renamed outcome: a query for it is always empty.
    """
    asked = {
        value
        for text in expressions()
        for label, _, values in LABEL.findall(text)
        if label != "job"
        for value in values.split("|")
    }

    lanes_and_causes = {each.name.lower() for each in (*Lane, *Cause)}
    known = GOOD | names_of_problems() | names_of_graph_errors() | refusal_reasons()
    of_calls = {*get_args(GraphCall), *get_args(Failure), *get_args(Standing)}
    assert set() == asked - known - lanes_and_causes - of_calls


@pytest.mark.parametrize("meaning", Meaning)
def test_each_meaning_of_graph_s_errors_that_an_operator_acts_on_has_its_alert(
    meaning: Meaning,
) -> None:
    """R104: a dead token, a wrong kind of token, a deactivated app, a restricted Page."""
    told = CONSEQUENCES[meaning]
    expected = f'outcome="{told.error.__name__}"'
    found = {rule["alert"] for rule in rules() if expected in rule["expr"]}

    assert ({told.alert} if told.alert else set()) == found
    assert told.alert or meaning in {
        Meaning.LINKING_TOKEN,
        Meaning.PERSON,
        Meaning.WINDOW,
        Meaning.NAME,
    }


def test_every_alert_has_a_severity_and_a_summary() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
    assert len(rules()) == len({rule["alert"] for rule in rules()})


def test_no_two_panels_overlap() -> None:
    """
    Grafana moves overlapping panels elsewhere.
    """
    places = [
        (x, y)
        for grid in (panel["gridPos"] for panel in panels())
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]

    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24


def test_all_units_are_restricted_alike() -> None:
    restrictions = {
        path.read_text(encoding="utf-8").partition("NoNewPrivileges")[2]
        for path in DEPLOY.glob("*.service")
    }

    assert 1 == len(restrictions)


@pytest.mark.parametrize("name", ["threadlink.service", "threadlink-worker.service"])
def test_a_unit_is_started_when_it_says_so_and_again_when_it_hangs(name: str) -> None:
    service = _unit(name)["Service"]

    assert "notify" == service["Type"]
    # Before a process counts as hanging its watchdog is fed; half of that time is its rhythm.
    assert int(service["WatchdogSec"]) <= STALLED_AFTER
    # The requests in progress (R121).
    assert int(service["TimeoutStopSec"]) > 25


def test_an_upgrade_of_large_tables_is_no_failed_start() -> None:
    """TimeoutStartSec= is for ExecStartPre as well: 90 s would end it again and again."""
    service = _unit("threadlink.service")["Service"]

    assert service["ExecStartPre"].endswith("threadlink db upgrade")
    assert "15min" == service["TimeoutStartSec"]


@pytest.mark.parametrize("name", ["threadlink.service", "threadlink-worker.service"])
def test_a_unit_is_started_until_the_database_is_there(name: str) -> None:
    """After a boot: systemd never gives up with "start request repeated too quickly"."""
    unit = _unit(name)

    assert "0" == unit["Unit"]["StartLimitIntervalSec"]
    assert "on-failure" == unit["Service"]["Restart"]
    assert int(unit["Service"]["RestartSec"]) >= 5


def test_both_units_reload_by_the_signal_that_the_program_handles() -> None:
    for name in ("threadlink.service", "threadlink-worker.service"):
        lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()

        assert "ExecReload=/bin/kill -HUP $MAINPID" in lines


def _unit(name: str) -> ConfigParser:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / name, encoding="utf-8")
    return unit


def names_of_problems() -> set[str]:
    constants = (*vars(pages).values(), *vars(forms).values(), *vars(table).values())
    alone = (value for value in constants if isinstance(value, Problem))
    return {problem.name for problem in (*table.PROBLEMS.values(), *alone)}


def names_of_graph_errors() -> set[str]:
    return {name for name, one in vars(graph_errors).items() if isinstance(one, type)}


def refusal_reasons() -> set[str]:
    folder = DEPLOY.parents[1] / "app/web"
    warnings = folder.glob("*_warnings.py")
    paths = [*folder.glob("server/*.py"), *warnings, folder / "api/fast_path.py"]
    source = "".join(path.read_text(encoding="utf-8") for path in paths)
    pattern = r'(?:Refused\(HTTPStatus\.\w+, |count_door_refusal\()"([^"]+)"'
    return set(re.findall(pattern, source))
