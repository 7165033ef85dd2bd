"""`threadlink accounts`: the account and its links change together."""

import pytest
from sqlalchemy.orm import Session

from app.accounts.authenticators import CredentialsRefused
from app.accounts.identity import Identity
from app.infra import clock
from app.linking import authorization_codes, link_queries
from app.linking.attempt_status import status_of
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.installation import ANA, BEN, PAGE, PASSWORD, USERNAME
from tests.linking.factories import confirmed, linked, signed_in

NEW_PASSWORD = "another harbour, five gulls"


def accepts(services: Services, password: str) -> bool:
    """Return True if USERNAME can sign in with *password*."""
    authenticator = services.sign_in_methods[PAGE].password
    assert authenticator is not None
    try:
        authenticator.verify(USERNAME, password)
    except CredentialsRefused:
        return False
    return True


def identity(subject: str) -> Identity:
    return Identity("local", subject, "j•••@example.com")


def test_an_account_is_added_with_a_password_from_standard_input(operator: Operator) -> None:
    added = operator.types("accounts", "add", USERNAME, told=f"{PASSWORD}\n")
    listed = operator.types("accounts", "list")

    assert (0, 0) == (added.exit_code, listed.exit_code)
    assert USERNAME in listed.output
    assert PASSWORD not in added.output


def test_an_account_gets_the_number_that_the_business_gives(operator: Operator) -> None:
    """And after it was deleted nobody gets it unasked (R58)."""
    add = ("accounts", "add", USERNAME, "--subject", "10042")
    told = f"{PASSWORD}\n"

    assert 0 == operator.types(*add, told=told).exit_code
    assert "subject       10042" in operator.types("accounts", "show", USERNAME).output
    assert 0 == operator.types("accounts", "delete", USERNAME, "--yes").exit_code
    refused = operator.types(*add, told=told)
    assert 1 == refused.exit_code
    assert "10042 belonged to a deleted account." in refused.output
    assert "--same-person" in refused.output
    assert 0 == operator.types(*add, "--same-person", told=told).exit_code


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--subject", USERNAME.upper()), 1, "may not be the username"),
        (("--subject", "a b"), 1, "1 to 64 letters"),
        (("--same-person",), 2, "--same-person goes with --subject"),
    ],
)
def test_a_number_that_is_none_is_refused_in_a_sentence(
    operator: Operator, options: tuple[str, ...], status: int, said: str
) -> None:
    result = operator.types("accounts", "add", USERNAME, *options, told=f"{PASSWORD}\n")

    assert status == result.exit_code
    assert said in result.output
    assert USERNAME not in operator.types("accounts", "list").output


def test_a_weak_password_is_refused_with_the_reason(operator: Operator) -> None:
    result = operator.types("accounts", "add", USERNAME, told="short\n")

    assert 1 == result.exit_code
    assert "15 characters or more" in result.output
    assert USERNAME not in operator.types("accounts", "list").output


def test_disabling_an_account_ends_its_links(
    operator: Operator, services: Services, jane: str
) -> None:
    services.write(_link, identity(jane))

    result = operator.types("accounts", "disable", USERNAME)

    assert "links ended: 1" in result.output
    assert services.read(link_queries.find_link, PAGE, ANA) is None


def test_an_unknown_account_is_reported_in_a_sentence(operator: Operator) -> None:
    result = operator.types("accounts", "disable", "nobody")

    assert 1 == result.exit_code
    assert "There is no account" in result.output


def test_disabling_an_account_ends_its_attempts(
    operator: Operator, services: Services, jane: str
) -> None:
    """R69: including a code that Messenger has not returned yet."""
    at, who = clock.now(), identity(jane)
    under_way = services.write(signed_in, psid=ANA, as_=who, at=at)
    code = services.write(confirmed, psid=BEN, as_=who, at=at)

    operator.types("accounts", "disable", USERNAME)

    assert "refused" == services.read(status_of, under_way, at=at).state
    assert services.write(authorization_codes.burn, code, at=at) is None


def test_an_enabled_account_can_sign_in_and_its_links_stay_ended(
    operator: Operator, services: Services, jane: str
) -> None:
    services.write(_link, identity(jane))
    operator.types("accounts", "disable", USERNAME)
    before = accepts(services, PASSWORD)

    result = operator.types("accounts", "enable", USERNAME)

    assert f"{USERNAME} can sign in again.\n" == result.stdout
    assert (False, True) == (before, accepts(services, PASSWORD))
    assert services.read(link_queries.find_link, PAGE, ANA) is None


def test_a_new_password_replaces_the_old_and_keeps_the_links(
    operator: Operator, services: Services, jane: str
) -> None:
    services.write(_link, identity(jane))

    result = operator.types("accounts", "set-password", USERNAME, told=f"{NEW_PASSWORD}\n")

    assert 0 == result.exit_code
    assert NEW_PASSWORD not in result.output
    assert (False, True) == (accepts(services, PASSWORD), accepts(services, NEW_PASSWORD))
    assert services.read(link_queries.find_link, PAGE, ANA) is not None


@pytest.mark.usefixtures("jane")
def test_a_weak_new_password_does_not_replace_the_old(
    operator: Operator, services: Services
) -> None:
    result = operator.types("accounts", "set-password", USERNAME, told="short\n")

    assert 1 == result.exit_code
    assert "15 characters or more" in result.output
    assert accepts(services, PASSWORD)


def test_a_deleted_account_is_gone_with_its_links(
    operator: Operator, services: Services, jane: str
) -> None:
    services.write(_link, identity(jane))

    result = operator.types("accounts", "delete", USERNAME, told="y\n")

    assert f"Deleted {USERNAME}; links ended: 1." in result.output
    assert USERNAME not in operator.types("accounts", "list").output
    assert services.read(link_queries.find_link, PAGE, ANA) is None
    assert not accepts(services, PASSWORD)


def test_deletion_needs_confirmation(operator: Operator, services: Services, jane: str) -> None:
    services.write(_link, identity(jane))

    result = operator.types("accounts", "delete", USERNAME, told="\n")

    assert 1 == result.exit_code
    assert accepts(services, PASSWORD)
    assert services.read(link_queries.find_link, PAGE, ANA) is not None


@pytest.mark.parametrize("command", ["set-password", "enable", "delete"])
def test_no_command_creates_an_account_by_accident(operator: Operator, command: str) -> None:
    result = operator.types("accounts", command, "nobody", told="y\n")

    assert 1 == result.exit_code
    assert "There are no accounts." in operator.types("accounts", "list").output


def _link(session: Session, who: Identity) -> None:
    linked(session, as_=who)
