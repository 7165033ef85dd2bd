"""/metrics of `threadlink serve` with two processes, and of a separate `threadlink worker`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import URL

from app.infra import clock
from app.linking.graph_unlink import enqueue_unlink
from app.services.container import build
from tests import shipped
from tests.actors import Messenger, Person, linked, log_in, message
from tests.browsers import OverSockets
from tests.installation import ANA, ENVIRONMENT, PAGE, USERNAME, add_jane, settings_for
from tests.messenger.loopback import hang_up, peer
from tests.ports import free_port
from tests.shipped import Shipped

TOKEN = "canary-metrics-token"
Samples = dict[tuple[str, ...], float]


@pytest.fixture
def graph() -> Iterator[str]:
    """Yield the URL of a Graph that knows Ana and reports its usage headers."""
    body = json.dumps({"id": PAGE, "recipient": ANA}).encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        'X-App-Usage: {"call_count":28}\r\nX-Page-Usage: {"total_time":7}\r\n'
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with peer(hang_up(head.encode(), body)) as address:
        yield address


def samples_of(origin: str) -> Samples:
    """Return each sample by its name and the values of its labels."""
    text = scraped(origin)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(origin: str) -> str:
    # A new connection each time, since either process may answer.
    answer = requests.get(
        f"{origin}/metrics",
        headers={"Authorization": f"Bearer {TOKEN}", "Connection": "close"},
        timeout=10,
    )
    assert 200 == answer.status_code
    return answer.text


def link(server: Shipped, database: URL) -> str:
    """Let Ana connect on *server*, after a wrong password; return her code."""
    services = build(settings_for(database))
    add_jane(services)
    services.close()
    browser = OverSockets(server.origin)
    person = Person(browser)
    person.taps_log_in(log_in())
    person.signs_in(password="not this one at all")
    person.signs_in()
    code = person.connects()
    browser.close()
    return code


def test_every_process_reports_the_counts_of_all(database: URL, graph: str) -> None:
    with shipped.serving(database, WORKERS="2", METRICS_TOKEN=TOKEN, GRAPH_URL=graph) as server:
        code = link(server, database)
        for number in range(12):
            # A new connection each time, so that both processes get some.
            browser = OverSockets(server.origin)
            Messenger(browser).tells(message(ANA, f"hello {number}", clock.now()))
            browser.close()
        browser = OverSockets(server.origin)
        Messenger(browser).tells(linked(ANA, code, clock.now()))
        Messenger(browser).posts(b"{}", **{"X-Hub-Signature-256": "sha256=" + "0" * 64})
        browser("GET", "/" + "x" * 9000)
        browser.close()

        scrapes = [samples_of(server.origin) for _ in range(6)]
        text = scraped(server.origin)

    for samples in scrapes:
        assert {
            ("threadlink_webhook_requests_total", "taken"): 13,
            ("threadlink_webhook_requests_total", "bad_signature"): 1,
            ("threadlink_webhook_seconds_count",): 14,
            ("threadlink_link_events_total", "made"): 1,
            ("threadlink_attempt_steps_total", "ok", "enter"): 1,
            ("threadlink_attempt_steps_total", "wrong_credentials", "sign_in"): 1,
            ("threadlink_attempt_steps_total", "ok", "sign_in"): 1,
            ("threadlink_attempt_steps_total", "ok", "confirm"): 1,
            ("threadlink_sign_in_failures_total", "wrong_credentials"): 1,
            # The alerts need the zeros: of a series that begins with a 1 they see no increase.
            ("threadlink_authenticator_failures_total", "local", "away"): 0,
            ("threadlink_authenticator_failures_total", "local", "misconfigured"): 0,
            ("threadlink_graph_calls_total", "recipient_for", "ok"): 1,
            ("threadlink_graph_seconds_count", "recipient_for"): 1,
            ("threadlink_graph_usage_percent", "app"): 28,
            ("threadlink_graph_usage_percent", "page"): 7,
            ("threadlink_door_refusals_total", "target too long"): 1,
            ("threadlink_workers",): 0,
        }.items() <= samples.items()
    known = (PAGE, ANA, USERNAME, code, TOKEN, *ENVIRONMENT.values())
    assert [] == [name for name in known if name in text]


def test_a_separate_worker_is_seen_and_reports_its_own_calls(
    database: URL, graph: str, tmp_path: Path
) -> None:
    """Only the worker counts its calls of Graph; every process reports its heartbeat."""
    services = build(settings_for(database))
    services.write(enqueue_unlink, PAGE, ANA, at=clock.now())
    services.close()
    port = free_port()
    origin = f"http://{shipped.HOST}:{port}"
    changed = {"METRICS_TOKEN": TOKEN, "GRAPH_URL": graph}
    with shipped.serving(database, WORKERS="2", **changed) as server:
        worker = shipped.start_worker(database, tmp_path, "--metrics-port", str(port), **changed)
        try:
            while not samples_of(server.origin)["threadlink_workers",]:
                assert worker.poll() is None, (tmp_path / "log").read_text()
            while ("threadlink_graph_calls_total", "unlink", "ok") not in samples_of(origin):
                assert worker.poll() is None
            alive, rest = samples_of(server.origin), requests.get(f"{origin}/readyz", timeout=10)
        finally:
            worker.terminate()
            worker.wait(30)
        gone = samples_of(server.origin)

    assert 1 == alive["threadlink_workers",]
    assert 60 > alive["threadlink_worker_beat_age_seconds",]
    assert 404 == rest.status_code
    assert 0 == gone["threadlink_workers",]
