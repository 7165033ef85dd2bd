"""`threadlink operators` and `threadlink audit` (R135, R138)."""

import json

import pytest

from app.infra import clock
from app.operators import accounts, sessions
from app.operators.sessions import Person
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.web.stored_rows import StoredRows

PASSWORD = "seven lamps, one ferry"


@pytest.fixture
def operator(services: Services) -> Operator:
    return Operator(services)


def _actor(services: Services, name: str) -> str:
    found = services.read(accounts.find, name)
    assert found is not None
    return found.actor


def test_an_operator_is_added_changed_and_deleted(operator: Operator, services: Services) -> None:
    """R135: what ends sessions says how many."""
    added = operator.types("operators", "add", "kim", "--role", "support", told=f"{PASSWORD}\n")
    assert "Added kim as support." in added.output
    assert "set CONSOLE_URL" in added.output
    person = Person(actor=_actor(services, "kim"), name="kim")
    services.write(sessions.begin, person, at=clock.now())

    assert "kim  support" in operator.types("operators", "list").output
    operator.types("operators", "set-role", "kim", "--role", "admin")
    (line,) = operator.types("operators", "list", "--json").stdout.splitlines()
    assert ("kim", "admin", False) == tuple(
        json.loads(line)[key] for key in ("name", "role", "disabled")
    )
    assert "Sessions ended: 1." in operator.types("operators", "end-sessions", "kim").output
    services.write(sessions.begin, person, at=clock.now())
    new = operator.types("operators", "set-password", "kim", told="four gulls on a quiet pier\n")
    assert "Sessions ended: 1." in new.output
    services.write(sessions.begin, person, at=clock.now())
    assert "Sessions ended: 1." in operator.types("operators", "disable", "kim").output
    assert "(disabled)" in operator.types("operators", "list").output
    operator.types("operators", "enable", "kim")
    operator.types("operators", "delete", "kim", "--yes")
    assert "There are no operators." in operator.types("operators", "list").output


@pytest.mark.parametrize("password", ["short", "password", "kimkimkimkimkim"])
def test_a_weak_password_is_refused(operator: Operator, services: Services, password: str) -> None:
    """R135: 15 characters at least, whatever PASSWORD_MIN_LENGTH says."""
    refused = operator.types("operators", "add", "kim", "--role", "admin", told=f"{password}\n")

    assert 1 == refused.exit_code
    assert 0 == StoredRows(services).count("operator")


@pytest.mark.parametrize("command", ["disable", "enable", "end-sessions", "set-password"])
def test_who_is_not_there_is_told(operator: Operator, command: str) -> None:
    """R135: in a sentence."""
    refused = operator.types("operators", command, "nobody", told=f"{PASSWORD}\n")

    assert 1 == refused.exit_code
    assert "no operator" in refused.stderr


def test_every_command_that_changes_something_is_in_the_audit(operator: Operator) -> None:
    """R138: beside the line in the system's log; without what it was given, which may be a name."""
    operator.types("accounts", "add", "jane@example.com", told=f"{PASSWORD}\n")
    operator.types("accounts", "disable", "nobody@example.com")
    operator.types("accounts", "list")

    lines = operator.types("audit", "list", "--json").stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [("command:accounts disable", "failed"), ("command:accounts add", "done")] == [
        (row["act"], row["result"]) for row in rows
    ]
    assert all(row["actor"].startswith("os:") for row in rows)
    assert "example.com" not in str(rows)


def test_the_audit_is_listed_by_what_is_asked_for(operator: Operator) -> None:
    """R138: by act, by actor, since when; the newest first."""
    for name in ("one", "two"):
        operator.types("operators", "add", name, "--role", "viewer", told=f"{PASSWORD}\n")
    operator.types("operators", "disable", "one")

    listed = operator.types("audit", "list", "--act", "command:operators add").output
    assert 2 == listed.count("command:operators add")
    assert "disable" not in listed
    assert "nothing like that" in operator.types("audit", "list", "--actor", "os:").output
    assert 3 == len(operator.types("audit", "list", "--since", "1h").output.splitlines())
