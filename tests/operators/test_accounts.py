"""Operators with a password, their names and roles (R135)."""

import pytest
from sqlalchemy.orm import Session

from app.operators import accounts
from app.operators.accounts import NameTaken, OperatorError, OperatorUnknown
from app.operators.roles import Role
from tests.installation import NOON


def test_spellings_of_a_name_are_one_operator(session: Session) -> None:
    """R135: nobody is added beside an operator who is called almost the same."""
    operator_id = accounts.add(session, " Kim ", Role.ADMIN, "hash", at=NOON)

    assert "Kim" == accounts.find(session, "kIM").name  # type: ignore[union-attr]
    assert operator_id == accounts.by_id(session, operator_id).id  # type: ignore[union-attr]
    with pytest.raises(NameTaken):
        accounts.add(session, "KIM", Role.VIEWER, "hash", at=NOON)


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 300, "a\nb", "a\u202eb", "oidc:i#s", "os\uff1aroot"]
)
def test_a_name_that_cannot_be_read_is_refused(session: Session, name: str) -> None:
    """R135: it would stand in the audit, and one like an actor be taken for it."""
    with pytest.raises(OperatorError):
        accounts.add(session, name, Role.VIEWER, "hash", at=NOON)
    assert accounts.find(session, name) is None


def test_what_is_not_there_cannot_be_changed(session: Session) -> None:
    """R135: each use case says so."""
    with pytest.raises(OperatorUnknown):
        accounts.set_role(session, "nobody", Role.ADMIN)
    with pytest.raises(OperatorUnknown):
        accounts.disable(session, "nobody", at=NOON)
    with pytest.raises(OperatorUnknown):
        accounts.delete(session, "nobody")


def test_a_deleted_operator_does_not_come_back(session: Session) -> None:
    """R135: who is added by the same name is another actor."""
    first = accounts.actor_of(accounts.add(session, "kim", Role.ADMIN, "hash", at=NOON))
    assert first == accounts.delete(session, "kim")

    second = accounts.actor_of(accounts.add(session, "kim", Role.VIEWER, "hash", at=NOON))

    assert first != second


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.VIEWER, [True, False, False]),
        (Role.SUPPORT, [True, True, False]),
        (Role.ADMIN, [True, True, True]),
    ],
)
def test_a_role_has_what_is_below_it(role: Role, allowed: list[bool]) -> None:
    """R137: viewer, support, admin."""
    assert allowed == [role.may(needed) for needed in Role]
