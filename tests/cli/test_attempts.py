"""The story of an attempt, as whoever is asked for help reads it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from app.infra import clock
from app.linking.attempt_events import Counted, Kind, Note, record
from app.linking.attempt_status import status_of
from app.linking.values import Ticket
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.installation import NOON, PAGE
from tests.linking.factories import confirm, signed_in


@pytest.fixture
def ticket(services: Services) -> Ticket:
    """Return the ticket of an attempt that has been signed in to a moment ago."""
    return services.write(signed_in, at=clock.now())


@pytest.fixture
def reference(services: Services, ticket: Ticket) -> str:
    return services.read(status_of, ticket, at=clock.now()).reference


def test_a_story_tells_each_step_and_what_it_means(operator: Operator, reference: str) -> None:
    # As somebody types what was read out to them.
    result = operator.types("attempts", "show", f" {reference.upper()} ")

    head, opened, signed, conclusion = result.output.splitlines()
    assert f"Attempt {reference} on page {PAGE}: signed in" == head
    assert opened.endswith(" UTC  opened")
    assert signed.endswith(" UTC  signed in as j•••@example.com (local)")
    assert "So far: The person signed in, and neither connected nor cancelled." == conclusion


def test_a_story_for_programs_is_one_object(operator: Operator, reference: str) -> None:
    told = json.loads(operator.types("attempts", "show", reference, "--json").stdout)

    assert (reference, PAGE, "signed_in") == (told["reference"], told["page_id"], told["state"])
    assert ("signed_in", "left_confirm", "person") == (
        told["stage"],
        told["cause"],
        told["fixed_by"],
    )
    assert [] == told["events"] == told["owed"]


def test_a_story_gives_away_nothing_that_could_be_used(
    operator: Operator, services: Services, ticket: Ticket, reference: str
) -> None:
    """It is pasted into mails and tickets."""
    code = services.write(confirm, ticket, at=clock.now())

    for form in ((), ("--json",)):
        told = operator.types("attempts", "show", reference, *form).output

        assert "waiting" in told.lower()
        assert code not in told
        assert ticket.attempt_id not in told
        assert ticket.secret not in told


def test_an_unknown_reference_says_how_long_attempts_are_kept(services: Services) -> None:
    """By the settings, whatever their defaults are."""
    kept = replace(
        services.settings.retention,
        attempts=timedelta(hours=48),
        failed_attempts=timedelta(days=3),
        codes=timedelta(days=9),
    )
    settings = replace(services.settings, retention=kept)
    operator = Operator(replace(services, settings=settings))

    result = operator.types("attempts", "show", "q3m9-7d2k")

    assert 1 == result.exit_code
    assert "kept for 3 days, those in which nobody was recognised for 48 hours" in result.output
    assert "those that were confirmed for 9 days" in result.output
    assert "journalctl -u threadlink | grep q3m9-7d2k" in result.output


def test_what_is_no_reference_is_said_to_be_none(operator: Operator) -> None:
    """The request id of the log is no reference, and "kept 24 hours only" is not why."""
    result = operator.types("attempts", "show", "b16ae73aa318047c")

    assert 1 == result.exit_code
    assert "is no reference" in result.output
    assert "journalctl -u threadlink | grep 'b16ae73aa318047c'" in result.output


def test_a_request_without_an_attempt_is_shown_by_its_reference(
    operator: Operator, services: Services
) -> None:
    note = Note(reference="q3m9-7d2k", kind=Kind.ENTRY_REFUSED, at=NOON, subject="page_unknown")
    services.write(record, {note.key: Counted.one(note)})

    shown = operator.types("attempts", "show", "Q3M97D2K").output
    (told,) = [json.loads(operator.types("attempts", "show", "q3m9-7d2k", "--json").stdout)]

    assert shown.startswith("Request q3m9-7d2k: refused, never an attempt\n")
    assert "The client_id names no Page that is configured here." in shown
    assert ("none", "none", "entry_page_unknown", None) == (
        told["state"],
        told["stage"],
        told["cause"],
        told["page_id"],
    )


def test_a_timeline_can_be_read_on_80_columns_and_has_its_fix(
    operator: Operator, services: Services, reference: str
) -> None:
    at = clock.now()
    note = Note(reference=reference, kind=Kind.CHAT_CODE_SENT, at=at)
    for each in (
        note,
        replace(note, kind=Kind.CHAT_CODE_NOT_DELIVERED, code=10, subcode=2018278),
        replace(note, kind=Kind.GRAPH_FAILED, subject="send_text", code=190, detail="x" * 60),
    ):
        services.write(record, {each.key: Counted.one(each)})

    lines = operator.types("attempts", "show", reference).output.splitlines()

    assert max(map(len, lines)) <= 80 + 60
    assert all(len(line) <= 80 for line in lines if "x" * 60 not in line)
    text = " ".join(" ".join(lines).split())
    assert "Nobody can link on this Page until its token is replaced." in text
    assert "Fix (the operator): App dashboard" in text
