"""The story of an attempt, as whoever is asked for help reads it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from app.infra import clock
from app.linking.attempt_status import status_of
from app.linking.values import Ticket
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.installation import PAGE
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
    assert "The person has not confirmed or cancelled yet." == conclusion


def test_a_story_for_programs_is_one_object(operator: Operator, reference: str) -> None:
    told = json.loads(operator.types("attempts", "show", reference, "--json").stdout)

    assert (reference, PAGE, "signed_in") == (told["reference"], told["page_id"], told["state"])
    assert 2 == len(told["steps"])


def test_a_story_gives_away_nothing_that_could_be_used(
    operator: Operator, services: Services, ticket: Ticket, reference: str
) -> None:
    """It is pasted into mails and tickets."""
    code = services.write(confirm, ticket, at=clock.now())

    for form in ((), ("--json",)):
        told = operator.types("attempts", "show", reference, *form).output

        assert "confirmed, sent back to Messenger with a code" in told
        assert code not in told
        assert ticket.attempt_id not in told
        assert ticket.secret not in told


def test_an_unknown_reference_says_how_long_attempts_are_kept(services: Services) -> None:
    """By the settings, whatever their defaults are."""
    kept = replace(
        services.settings.retention, attempts=timedelta(hours=48), codes=timedelta(days=7)
    )
    settings = replace(services.settings, retention=kept)
    operator = Operator(replace(services, settings=settings))

    result = operator.types("attempts", "show", "q3m9-7d2k")

    assert 1 == result.exit_code
    assert "deleted after 48 hours, those with a code after 7 days" in result.output
