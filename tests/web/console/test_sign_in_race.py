"""A sign-in to the console whose operator is changed while the password is verified."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.accounts.passwords import Hasher
from app.operators import accounts
from app.operators.roles import Role
from app.services.container import Services
from tests.installation import NOON
from tests.web.console.staff import PASSWORD, Staff, acts, add_operator, end_all
from tests.web.stored_rows import StoredRows

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

Change = Callable[[Services, str], None]


def _is_disabled(services: Services, actor: str) -> None:
    services.write(accounts.disable, "kim", at=NOON)
    end_all(services, actor)


def _gets_another_password(services: Services, actor: str) -> None:
    password_hash = services.hasher.hash("nine kettles, one bicycle")
    services.write(accounts.set_password, "kim", password_hash, at=NOON)
    end_all(services, actor)


def _is_deleted(services: Services, actor: str) -> None:
    services.write(accounts.delete, "kim")
    end_all(services, actor)


CHANGES = pytest.mark.parametrize(
    "change",
    [_is_disabled, _gets_another_password, _is_deleted],
    ids=["disabled", "another password", "deleted"],
)


def _while_verified(monkeypatch: pytest.MonkeyPatch, services: Services, change: Change) -> None:
    """Have *change* be committed once, after the next password is found to be right."""
    actor = next(one.actor for one in services.read(accounts.list_operators))
    matches = Hasher.matches

    def slow(hasher: Hasher, password_hash: str, password: str) -> bool:
        is_right = matches(hasher, password_hash, password)
        monkeypatch.setattr(Hasher, "matches", matches)
        change(services, actor)
        return is_right

    monkeypatch.setattr(Hasher, "matches", slow)


@CHANGES
def test_a_change_while_the_password_is_verified_wins(
    services: Services, console: Flask, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    """R135: no session outlives the password that has begun it, nor its operator."""
    add_operator(services, "kim", Role.ADMIN)
    _while_verified(monkeypatch, services, change)

    answer = Staff(console).signs_in("kim")

    assert 422 == answer.status
    assert 0 == StoredRows(services).count("operator_session", "ended_at IS NULL")
    assert [("sign_in_refused", "refused")] == acts(services)


@CHANGES
def test_a_change_while_a_session_is_renewed_wins(
    services: Services, console: Flask, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    """R136: as with the first sign-in."""
    add_operator(services, "kim", Role.ADMIN)
    staff = Staff(console)
    staff.signs_in("kim")
    staff.opens("/re-authenticate")
    _while_verified(monkeypatch, services, change)

    staff.presses("Sign in", password=PASSWORD)

    assert 422 == staff.sees.status
    assert 0 == StoredRows(services).count("operator_session", "ended_at IS NULL")
    assert [("signed_in", "done"), ("sign_in_refused", "refused")] == acts(services)
