"""/metrics: it shows how linking goes, and no name, id or token of a person."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import URL

from app import create_app
from app.infra import clock
from app.linking.graph_unlink import enqueue_unlink
from app.outbox import heartbeats, queue
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.outbox.circuit_breaker import Cause, OpenCircuit
from app.outbox.queue import Lane, LaneKey, enqueue_once
from app.services import background
from app.services.container import Services, build
from app.web.languages import chat_texts
from tests.actors import Graph, Messenger, Person, linked, log_in
from tests.browsers import InProcess
from tests.installation import ANA, ENVIRONMENT, PAGE, PUBLIC_URL, USERNAME, add_jane, settings_for

TOKEN = "canary-metrics-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
Samples = dict[tuple[str, *tuple[str, ...]], float]


@pytest.fixture
def services(database: URL) -> Iterator[Services]:
    services = build(settings_for(database, METRICS_TOKEN=TOKEN))
    yield services
    services.close()


def samples_of(client: InProcess) -> Samples:
    """Return each sample by its name and the sorted values of its labels."""
    answer = client("GET", "/metrics", headers=BEARER)
    assert 200 == answer.status
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def added(before: Samples, after: Samples) -> Samples:
    """Return the growth of the counters, which all tests of the process share."""
    return {
        name: value - before.get(name, 0)
        for name, value in after.items()
        if name[0].endswith("_total") and value > before.get(name, 0)
    }


def test_linking_is_counted_step_by_step(
    services: Services, graph: Graph, client: InProcess, person: Person, messenger: Messenger
) -> None:
    before = samples_of(client)
    add_jane(services)
    login = log_in()
    graph.knows(login, ANA)

    person.taps_log_in(login)
    person.signs_in(password="not this one at all")
    person.signs_in()
    code = person.connects()
    messenger.tells(linked(ANA, code, clock.now()))

    grown = added(before, samples_of(client))
    assert {
        ("threadlink_attempt_steps_total", "enter", "ok"): 1,
        ("threadlink_attempt_steps_total", "sign_in", "wrong_credentials"): 1,
        ("threadlink_attempt_steps_total", "ok", "sign_in"): 1,
        ("threadlink_attempt_steps_total", "confirm", "ok"): 1,
        ("threadlink_sign_in_failures_total", "wrong_credentials"): 1,
        ("threadlink_graph_calls_total", "ok", "recipient_for"): 1,
        ("threadlink_graph_calls_total", "ok", "profile_name"): 1,
        ("threadlink_names_total", "profile"): 1,
        ("threadlink_pictures_total", "none"): 1,
        ("threadlink_webhook_requests_total", "taken"): 1,
        ("threadlink_link_events_total", "made"): 1,
    } == grown


def test_refusals_are_counted_by_their_reason(
    client: InProcess, person: Person, messenger: Messenger
) -> None:
    """R12: a rise of one reason shows an attempted attack, or a change at Meta."""
    before = samples_of(client)
    stolen = log_in().address().replace("www.facebook.com", "evil.example")

    person.opens(stolen)
    messenger.posts(b"{}", **{"X-Hub-Signature-256": "sha256=" + "0" * 64})

    assert {
        ("threadlink_attempt_steps_total", "enter", "redirect_refused"): 1,
        ("threadlink_redirect_refusals_total", "origin"): 1,
        ("threadlink_webhook_requests_total", "bad_signature"): 1,
    } == added(before, samples_of(client))


def test_a_log_in_without_a_way_back_is_counted_apart(client: InProcess, person: Person) -> None:
    """Meta may leave redirect_uri out where it refuses account linking: an operator can see it."""
    before = samples_of(client)
    token = log_in().account_linking_token

    person.opens(f"/authorize?account_linking_token={token}")
    person.opens("/authorize")

    assert {
        ("threadlink_attempt_steps_total", "enter", "link_incomplete"): 2,
        ("threadlink_redirect_refusals_total", "no_redirect_uri"): 1,
    } == added(before, samples_of(client))


def test_a_wrong_chat_code_is_not_counted_as_a_wrong_password(
    services: Services, graph: Graph, client: InProcess
) -> None:
    before = samples_of(client)
    add_jane(services)
    login = log_in()
    graph.knows(login, ANA)
    asking = replace(services, settings=replace(services.settings, confirm_in_chat="always"))
    person = Person(InProcess(create_app(asking), PUBLIC_URL))

    person.taps_log_in(login)
    person.signs_in()
    person.presses("Connect", code="no digits")

    grown = added(before, samples_of(client))
    assert 1 == grown["threadlink_attempt_steps_total", "confirm", "wrong_digits"]
    assert not [names for names in grown if "wrong_credentials" in names]


def test_no_sample_contains_personal_data(
    services: Services, graph: Graph, client: InProcess, person: Person, messenger: Messenger
) -> None:
    subject = add_jane(services)
    login = log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()
    code = person.connects()
    messenger.tells(linked(ANA, code, clock.now()))

    text = client("GET", "/metrics", headers=BEARER).text

    known = (ANA, PAGE, USERNAME, subject, code, login.account_linking_token)
    assert [] == [one for one in (*known, *ENVIRONMENT.values()) if one in text]


def test_the_outbox_is_read_at_each_scrape(services: Services, client: InProcess) -> None:
    services.write(enqueue_unlink, PAGE, ANA, at=clock.now() - timedelta(minutes=10))

    found = samples_of(client)

    assert 1 == found["threadlink_outbox_items", "fresh", "graph.unlink", "waiting"]
    assert 600 <= found["threadlink_outbox_oldest_seconds", "fresh", "graph.unlink", "waiting"]


def test_what_failed_is_counted_apart_from_what_was_never_tried(
    services: Services, client: InProcess
) -> None:
    """R100: an alert tells a worker that is behind from a bot that refuses one kind of delivery."""
    now = clock.now()
    for body in (b"1", b"2", b"3"):
        services.write(enqueue_once, DELIVERY, body, at=now)
    key = LaneKey(DELIVERY, Lane.FRESH)
    refused, dead = services.write(queue.claim, key, limit=2, lease=timedelta(1), at=now)
    services.write(queue.postpone, refused, failure="status 500", until=now + timedelta(hours=1))
    services.write(queue.dead_letter, dead, failure="status 500")

    found = samples_of(client)

    items = "threadlink_outbox_items"
    assert [1, 1, 1] == [
        found[items, "delivery", "fresh", "waiting"],
        found[items, "delivery", "retries", "waiting"],
        found[items, "", "dead", "delivery"],
    ]
    # Growth can be seen from the first one on.
    assert 0 == found[items, "", "dead", "notice"]


def test_a_target_that_takes_nothing_is_told_with_its_cause(
    services: Services, client: InProcess
) -> None:
    """R100: its circuit is in the worker, and comes with the heartbeat."""
    now = clock.now()
    circuit = OpenCircuit(NOTICE, now - timedelta(minutes=3), Cause.UNREACHABLE, "NoConnection")
    services.write(heartbeats.record_heartbeat, "failing", [circuit], at=now)
    services.write(heartbeats.record_heartbeat, "well", at=now)

    failing = "threadlink_outbox_failing_seconds"
    assert 180 <= samples_of(client)[failing, "notice", "unreachable"] < 240

    services.write(heartbeats.record_heartbeat, "failing", at=now)
    assert not [names for names in samples_of(client) if names[0] == failing]


def test_heartbeats_and_the_check_at_meta_are_read_at_each_scrape(
    services: Services, client: InProcess
) -> None:
    """The worker is another process, perhaps on another machine: they share the database."""
    now, minute = clock.now(), timedelta(minutes=1)
    assert 0 == samples_of(client)["threadlink_workers",]
    assert ("threadlink_setup_faults",) not in samples_of(client)

    services.write(heartbeats.record_meta_check, "killed", 1, at=now - 9 * minute)
    services.write(heartbeats.record_meta_check, "stopped", 3, at=now - 8 * minute)
    services.write(heartbeats.record_stop, "stopped", at=now - minute / 2)
    services.write(heartbeats.record_heartbeat, "alive", at=now)
    services.write(heartbeats.record_heartbeat, "alive too", at=now - minute / 4)

    found = samples_of(client)
    assert 2 == found["threadlink_workers",]
    assert 15 > found["threadlink_worker_beat_age_seconds",]
    assert 3 == found["threadlink_setup_faults",]


def test_a_worker_that_stops_is_counted_no_longer(services: Services, client: InProcess) -> None:
    stop = threading.Event()
    worker = threading.Thread(target=background.run, args=(services, stop, chat_texts.say))
    worker.start()
    try:
        while not samples_of(client)["threadlink_workers",]:
            stop.wait(0.01)
    finally:
        stop.set()
        worker.join()

    assert 0 == samples_of(client)["threadlink_workers",]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}],
    ids=["no token", "another token", "another scheme"],
)
def test_without_the_token_there_is_no_such_page(
    client: InProcess, headers: dict[str, str]
) -> None:
    answer = client("GET", "/metrics", headers=headers)

    assert 404 == answer.status
    assert "threadlink_" not in answer.text


def test_without_a_configured_token_there_are_no_metrics(database: URL) -> None:
    services = build(settings_for(database))
    client = InProcess(create_app(services), PUBLIC_URL)

    assert 404 == client("GET", "/metrics", headers={"Authorization": "Bearer "}).status
    services.close()


def test_several_processes_are_counted_as_one(tmp_path: Path) -> None:
    """Prometheus scrapes one address, and any of the processes may answer."""
    script = (
        "from app.infra.observability import metrics\n"
        "metrics.count_step('confirm', 'ok')\n"
        "print(metrics.exposition(()).decode())"
    )
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    told = ""
    for _ in range(3):
        run = subprocess.run(  # noqa: S603 - a script of this very test
            [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
        )
        told = run.stdout

    assert 'threadlink_attempt_steps_total{outcome="ok",step="confirm"} 3.0' in told
