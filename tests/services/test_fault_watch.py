"""What a worker finds to be told to the operator, and when it is over (R143)."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import URL, delete, select, update
from sqlalchemy.orm import Session

from app.accounts.authenticators import Diagnosis
from app.infra.settings.settings import Settings
from app.linking import attempt_events
from app.linking.attempt_events import Counted, Kind, Note
from app.outbox import dropped, heartbeats
from app.outbox.bot_webhooks import NOTICE
from app.outbox.models import OutboxRow, WorkerRow
from app.outbox.operator_webhook import ALERT
from app.outbox.queue import enqueue
from app.privacy.models import PrivacyRequest
from app.services import fault_watch
from app.services.container import Services
from app.services.fault_watch import FaultWatch
from app.services.meta_faults import key_of
from app.setup.findings import Finding, ok, problem, unchecked, warning
from tests.conftest import on_sqlite
from tests.installation import NOON, OTHER_PAGE, PAGE, settings_for

MINUTE = timedelta(minutes=1)
LDAP = "ldap:staff"
ADDRESS = "http://127.0.0.1:9/canary-operator-address"


@pytest.fixture
def settings(database: URL) -> Settings:
    """Return settings with an address for alerts, to which nothing is posted here."""
    return settings_for(
        database,
        OPERATOR_WEBHOOK_URL=ADDRESS,
        PAGE_NAME="Harbour <Coffee>",
        AUTHENTICATORS=LDAP,
        LDAP_STAFF_URL="ldap://127.0.0.1:9",
        LDAP_STAFF_BASE="dc=example,dc=com",
        LDAP_STAFF_SUBJECT="entryUUID",
        LDAP_STAFF_ATTRIBUTE="uid",
    )


@pytest.fixture
def watch(services: Services) -> FaultWatch:
    return FaultWatch(services)


def alerts(services: Services) -> list[dict[str, Any]]:
    """Return the alerts that wait in the outbox, and take them out."""
    rows = select(OutboxRow.body).where(OutboxRow.kind == ALERT).order_by(OutboxRow.id)

    def take(session: Session) -> list[bytes]:
        bodies = list(session.scalars(rows))
        session.execute(delete(OutboxRow).where(OutboxRow.kind == ALERT))
        return bodies

    return [json.loads(body) for body in services.write(take)]


def _die(session: Session) -> None:
    session.execute(update(OutboxRow).values(state="dead"))


def _empty(session: Session) -> None:
    session.execute(delete(OutboxRow))


def told(services: Services) -> list[tuple[str, str]]:
    return [(each["type"], each["data"]["cause"]) for each in alerts(services)]


def test_where_all_is_well_nothing_is_told(services: Services, watch: FaultWatch) -> None:
    services.write(heartbeats.record_heartbeat, "w", started_at=NOON, at=NOON)

    watch.look(NOON)
    watch.note_meta([ok("app subscription", "is there")], NOON)

    assert [] == told(services)


def test_a_late_outbox_is_told_with_its_reason(services: Services, watch: FaultWatch) -> None:
    services.write(enqueue, NOTICE, b"{}", at=NOON - 6 * MINUTE)
    watch.look(NOON)
    (alert,) = alerts(services)
    services.write(_empty)
    watch.look(NOON + MINUTE)

    assert "outbox_late:notice" == alert["data"]["cause"]
    assert alert["data"]["sentence"] == (
        "The outbox is late: notice since 2026-11-20 11:54 UTC, as no worker runs"
    )
    assert [("fault.over", "outbox_late:notice")] == told(services)


@on_sqlite
def test_of_alerts_that_are_late_none_is_told(services: Services, watch: FaultWatch) -> None:
    """They could not be told either, and each would make another."""
    services.write(enqueue, ALERT, b"{}", at=NOON - 6 * MINUTE)
    services.write(enqueue, ALERT, b"{}", at=NOON)
    services.write(_die)
    services.write(enqueue, ALERT, b"{}", at=NOON - 6 * MINUTE)

    watch.look(NOON)

    assert 3 == len(alerts(services))


def test_dead_letters_are_told_and_that_none_is_left(services: Services, watch: FaultWatch) -> None:
    services.write(enqueue, NOTICE, b"{}", at=NOON)
    services.write(_die)
    watch.look(NOON)
    found = told(services)
    services.write(_empty)
    watch.look(NOON + MINUTE)

    assert [("fault.found", "outbox_dead:notice")] == found
    assert [("fault.over", "outbox_dead:notice")] == told(services)


@on_sqlite
def test_a_backlog_is_told(
    services: Services, watch: FaultWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_watch, "COUNTED_UP_TO", 2)
    for number in range(3):
        services.write(enqueue, NOTICE, str(number).encode(), at=NOON)

    watch.look(NOON)

    (alert,) = alerts(services)
    assert "outbox_backlog:notice" == alert["data"]["cause"]
    assert alert["data"]["sentence"].startswith("2 or more items")


@on_sqlite
def test_dropped_deliveries_are_told_until_none_was_for_an_hour(
    services: Services, watch: FaultWatch
) -> None:
    services.write(dropped.add, 5)
    watch.look(NOON)
    before = told(services)
    services.write(dropped.add, 2)
    watch.look(NOON + MINUTE)
    (found,) = alerts(services)
    watch.look(NOON + 60 * MINUTE)
    meanwhile = told(services)
    watch.look(NOON + 61 * MINUTE)

    assert ([], []) == (before, meanwhile)
    assert found["data"]["sentence"].startswith("2 deliveries were dropped")
    assert [("fault.over", "outbox_dropped")] == told(services)


def test_a_worker_that_was_killed_is_told_until_another_begins(
    services: Services, watch: FaultWatch
) -> None:
    beat = heartbeats.record_heartbeat
    services.write(beat, "killed", started_at=NOON - 60 * MINUTE, at=NOON - 10 * MINUTE)
    services.write(beat, "other", started_at=NOON - 60 * MINUTE, at=NOON)
    watch.look(NOON)
    found = told(services)
    services.write(beat, "new", started_at=NOON + MINUTE, at=NOON + MINUTE)
    watch.look(NOON + MINUTE)

    assert [("fault.found", "worker_silent")] == found
    assert [("fault.over", "worker_silent")] == told(services)


@on_sqlite
def test_a_worker_that_was_stopped_or_has_just_missed_a_beat_is_none(
    services: Services, watch: FaultWatch
) -> None:
    began, beat = NOON - 60 * MINUTE, heartbeats.record_heartbeat
    services.write(beat, "stopped", started_at=began, at=NOON - 10 * MINUTE)
    services.write(heartbeats.record_stop, "stopped", at=NOON - 10 * MINUTE)
    services.write(beat, "slow", started_at=began, at=NOON - 2 * MINUTE)
    services.write(beat, "here", started_at=began, at=NOON)

    watch.look(NOON)

    assert [] == told(services)
    assert 3 == services.read(lambda session: session.query(WorkerRow).count())


def test_privacy_duties_are_told_without_the_person(services: Services, watch: FaultWatch) -> None:
    request = PrivacyRequest(
        reference="q3m9-7d2k",
        code_hash="c",
        kind="deletion",
        state="duty",
        asked_at=NOON - timedelta(days=3),
        why="no page named",
        user_id="218471000000001",
    )
    services.write(lambda session: session.add(request))

    watch.look(NOON)

    (alert,) = alerts(services)
    assert alert["data"]["sentence"] == (
        "1 requests about somebody's data wait for you, the oldest for 3 of 30 days"
    )
    assert "218471000000001" not in json.dumps(alert)


Met = Callable[[int, datetime], None]


@pytest.fixture
def met(services: Services) -> Met:
    """Return what stores that so many people have met a failure of the directory."""

    def meet(people: int, at: datetime) -> None:
        notes = [
            Note(reference=f"ref-{number}", kind=Kind.AUTHENTICATOR_AWAY, at=at, subject=LDAP)
            for number in range(people)
        ]
        services.write(attempt_events.record, {note.key: Counted.one(note) for note in notes})

    return meet


def test_an_authenticator_that_one_has_met_failing_is_asked(
    services: Services, watch: FaultWatch, met: Met, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No directory listens there; then the check passes, and the last failure is history."""
    met(1, NOON)
    watch.look(NOON)
    (found,) = alerts(services)
    _checks_pass(monkeypatch)
    watch.look(NOON + MINUTE)
    meanwhile = told(services)
    watch.look(NOON + 6 * MINUTE)

    assert ("fault.found", f"authenticator:{LDAP}") == (found["type"], found["data"]["cause"])
    assert [] == meanwhile
    assert [("fault.over", f"authenticator:{LDAP}")] == told(services)


@on_sqlite
@pytest.mark.parametrize(("people", "is_told"), [(2, False), (3, True)])
def test_where_the_check_passes_several_people_are_a_fault(  # noqa: PLR0913 - the last two are the case
    services: Services,
    watch: FaultWatch,
    met: Met,
    monkeypatch: pytest.MonkeyPatch,
    people: int,
    *,
    is_told: bool,
) -> None:
    _checks_pass(monkeypatch)
    met(people, NOON - MINUTE)

    watch.look(NOON)

    assert is_told == bool(told(services))


def _checks_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def checks(_: Services) -> dict[str, Callable[[], Iterable[Diagnosis]]]:
        return {"local": list, LDAP: lambda: [Diagnosis("answers")]}

    monkeypatch.setattr(Services, "authenticator_checks", checks)


@on_sqlite
def test_without_a_failure_no_authenticator_is_asked(
    watch: FaultWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def check() -> Iterable[Diagnosis]:
        asked.append(LDAP)
        return []

    def checks(_: Services) -> dict[str, Callable[[], Iterable[Diagnosis]]]:
        return {LDAP: check}

    monkeypatch.setattr(Services, "authenticator_checks", checks)

    watch.look(NOON)

    assert [] == asked


@on_sqlite
def test_what_a_look_at_meta_finds_is_told_with_the_name_of_the_page(
    services: Services, watch: FaultWatch
) -> None:
    subject = f"token of page {PAGE}"
    watch.note_meta([problem(subject, "is not valid", "a new one")], NOON)
    (found,) = alerts(services)
    watch.look(NOON + MINUTE)
    meanwhile = told(services)
    watch.note_meta([warning(subject, "ends soon", "a new one")], NOON + 2 * MINUTE)

    assert {
        "cause": "meta:token",
        "page_id": PAGE,
        "sentence": f"Token of page Harbour <Coffee> ({PAGE}): is not valid",
        "fix": "a new one",
        "console_url": None,
    } == found["data"]
    assert [] == meanwhile
    assert [("fault.over", "meta:token")] == told(services)


@on_sqlite
def test_that_meta_does_not_answer_begins_and_ends_no_fault(
    services: Services, watch: FaultWatch
) -> None:
    subject = "app subscription"
    away = unchecked(subject, "no answer", "later")
    watch.note_meta([away], NOON)
    before = told(services)
    watch.note_meta([problem(subject, "is gone", "threadlink setup")], NOON)
    told(services)
    watch.note_meta([away], NOON + MINUTE)

    assert [] == before
    assert [] == told(services)


@on_sqlite
def test_a_page_answers_again_when_its_own_settings_were_looked_at(
    services: Services, watch: FaultWatch
) -> None:
    """Where all is well, no finding is of the Page itself."""
    watch.note_meta([problem(f"page {PAGE}", "the token is dead", "a new one")], NOON)
    told(services)

    watch.note_meta([ok(f"subscription of page {PAGE}", "is there")], NOON)

    assert [("fault.over", "meta:page")] == told(services)


@on_sqlite
def test_the_faults_of_a_page_that_was_taken_out_are_over(
    services: Services, watch: FaultWatch
) -> None:
    watch.note_meta([problem(f"page {OTHER_PAGE}", "the token is dead", "a new one")], NOON)
    told(services)

    watch.look(NOON + MINUTE)

    assert [("fault.over", "meta:page")] == told(services)


@pytest.mark.parametrize(
    ("subject", "cause", "page_id"),
    [
        ("app subscription", "meta:app_subscription", ""),
        ("app secret", "meta:app_secret", ""),
        ("Graph version", "meta:graph_version", ""),
        ("page 17", "meta:page", "17"),
        ("Log In of page 17", "meta:log_in", "17"),
        ("standing of page 17", "meta:standing", "17"),
    ],
)
def test_each_subject_has_a_cause(subject: str, cause: str, page_id: str) -> None:
    assert (cause, page_id) == key_of(subject)


@on_sqlite
def test_no_alert_holds_a_secret(services: Services, watch: FaultWatch, met: Met) -> None:
    """R143: neither of ours nor the address, which is one where a chat service gave it."""
    met(3, NOON)
    services.write(enqueue, NOTICE, b"canary-body", at=NOON - 6 * MINUTE)
    findings: list[Finding] = [problem(f"token of page {PAGE}", "is not valid", "a new one")]
    watch.look(NOON)
    watch.note_meta(findings, NOON)

    assert "canary" not in json.dumps(alerts(services))
    assert "canary" not in repr(services.settings.alerts)
