"""`accounts show` and `links show --user`: from "jane writes in" to her links and attempts."""

import json
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.identity import Identity
from app.infra import clock
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.installation import ANA
from tests.linking.factories import linked, signed_in

NAME = "jane@example.com"


@pytest.fixture
def subject(services: Services) -> str:
    return services.write(
        local.add, NAME, "Jane Doe", "hash", is_first=True, at=clock.now() - timedelta(days=1)
    )


def _links(session: Session, subject: str) -> None:
    identity = Identity("local", subject, "j•••@example.com")
    linked(session, as_=identity, at=clock.now())
    for _ in range(6):
        signed_in(session, as_=identity, at=clock.now())


def test_an_account_is_shown_with_links_and_its_last_five_attempts(
    operator: Operator, services: Services, subject: str
) -> None:
    services.write(_links, subject)

    shown = operator.types("accounts", "show", "Jane@Example.com").stdout
    told = json.loads(operator.types("accounts", "show", NAME, "--json").stdout)

    assert f"  subject       {subject}\n  state         enabled\n" in shown
    assert "a first one, set " in shown
    assert "to be changed at the next sign-in" in shown
    assert f"{clock.now():%Y-%m-%d}" in shown.split("last sign-in")[1].splitlines()[0]
    assert "Links: 1" in shown
    assert 5 == shown.count("left_confirm")
    assert (NAME, subject, False, True) == (
        told["username"],
        told["subject"],
        told["disabled"],
        told["password_is_first"],
    )
    assert (1, 5) == (len(told["links"]), len(told["attempts"]))
    # What would let somebody sign in is not shown.
    assert "hash" not in shown + json.dumps(told)


def test_an_account_of_which_nothing_is_known_says_so(
    operator: Operator, services: Services, subject: str
) -> None:
    services.write(local.disable, NAME, at=clock.now())

    shown = operator.types("accounts", "show", NAME).stdout

    assert subject in shown
    assert "state         disabled since " in shown
    assert "last sign-in  none in the attempts kept" in shown
    assert "Links: none" in shown
    assert "Attempts: none is kept" in shown


def test_an_expired_first_password_is_named(operator: Operator, services: Services) -> None:
    old = clock.now() - timedelta(days=8)
    services.write(local.add, NAME, None, "hash", is_first=True, at=old)

    assert "; expired" in operator.types("accounts", "show", NAME).stdout


def test_an_unknown_account_is_an_error_with_a_way_on(operator: Operator) -> None:
    result = operator.types("accounts", "show", NAME)

    assert 1 == result.exit_code
    assert f"there is no account {NAME}" in result.output
    assert "threadlink accounts list" in result.output


def test_the_links_of_a_user_are_found_by_name_and_by_subject(
    operator: Operator, services: Services, subject: str
) -> None:
    services.write(_links, subject)

    for options in (("--user", NAME), ("--issuer", "local", "--subject", subject)):
        shown = operator.types("links", "show", *options)
        (told,) = operator.types("links", "show", *options, "--json").stdout.splitlines()
        assert ANA in shown.stdout
        assert subject == json.loads(told)["subject"]


def test_a_user_without_links_is_led_to_the_attempts(operator: Operator, subject: str) -> None:
    result = operator.types("links", "show", "--user", NAME)

    assert 1 == result.exit_code
    assert "This user has no link." in result.output
    assert f"attempts list --issuer local --subject {subject}" in result.output


def test_a_name_given_as_psid_is_told_how_to_ask(operator: Operator) -> None:
    """She was said to be "not linked", although she was a user."""
    result = operator.types("links", "show", NAME)

    assert 1 == result.exit_code
    assert f"{NAME} is no PSID. Try: threadlink links show --user {NAME}" in result.output
    assert "not linked" not in result.output


def test_a_psid_and_a_user_contradict_each_other(operator: Operator, subject: str) -> None:
    assert subject
    assert 2 == operator.types("links", "show", ANA, "--user", NAME).exit_code
