"""Names by which operators find users: kept as keyed hashes, and no longer than needed (R112)."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.linking import sign_in_names
from app.linking.handlers import Policy, end_all
from app.linking.models import SignInName
from app.linking.sign_in_names import NameHasher
from app.linking.values import User
from tests.cleanups import clean
from tests.installation import NOON, PAGE
from tests.linking.factories import linked, user

DAY = timedelta(days=1)
ROSA = Identity("ldap:staff", "rosa-1", "r•••", known_as=("rosa",))
NAMESAKE = Identity("https://login.example.org", "rosa-2", "r•••", known_as=("Rosa", "r@b.example"))
HASHER = NameHasher(["present", "former"])


def _remember(session: Session, identity: Identity, *, age: timedelta = 0 * DAY) -> None:
    hashes = HASHER.hashes_of(identity)
    sign_in_names.remember(session, identity, hashes, at=NOON - age)


def _found(session: Session, name: str, hasher: NameHasher = HASHER) -> list[User]:
    session.flush()
    return list(sign_in_names.users_of(session, hasher.candidates(name)))


@pytest.mark.parametrize("spelling", ["rosa", "ROSA", "\uff52osa", " rosa "])
def test_a_user_is_found_by_any_spelling_of_the_name(session: Session, spelling: str) -> None:
    _remember(session, ROSA)

    assert [user(ROSA)] == _found(session, spelling)
    assert [] == _found(session, "ros")


def test_two_users_of_one_name_are_both_found(session: Session) -> None:
    _remember(session, ROSA)
    _remember(session, NAMESAKE)

    assert [user(NAMESAKE), user(ROSA)] == _found(session, "rosa")
    assert [user(NAMESAKE)] == _found(session, "R@B.example")


def test_no_row_holds_a_name_nor_a_hash_that_can_be_guessed_without_the_key(
    session: Session,
) -> None:
    _remember(session, ROSA)

    (row,) = session.scalars(select(SignInName))
    assert "rosa" not in row.name_hash
    assert [] == _found(session, "rosa", NameHasher(["another"]))


def test_names_are_found_while_the_key_of_before_is_a_fallback(session: Session) -> None:
    """SECRET_KEY_FALLBACKS: a change of the key loses no name."""
    former = NameHasher(["former"])
    sign_in_names.remember(session, ROSA, former.hashes_of(ROSA), at=NOON)

    assert [user(ROSA)] == _found(session, "rosa")


def test_a_second_sign_in_adds_no_row_and_is_the_last(session: Session) -> None:
    _remember(session, ROSA, age=DAY)
    _remember(session, ROSA)

    assert [NOON] == list(session.scalars(select(SignInName.needed_at)))


def test_an_identity_without_a_name_leaves_nothing(session: Session) -> None:
    _remember(session, Identity("local", "jane-1", "j•••"))

    assert [] == list(session.scalars(select(SignInName)))


def test_names_go_with_the_time_unless_their_user_is_linked(session: Session) -> None:
    linked(session, as_=ROSA)
    _remember(session, ROSA, age=40 * DAY)
    _remember(session, NAMESAKE, age=40 * DAY)
    late = Identity("ldap:staff", "rosa-3", "r•••", known_as=("rosa",))
    _remember(session, late, age=29 * DAY)
    session.flush()

    assert [3] == clean(session, sign_in_names.needless(NOON - 30 * DAY, at=NOON))

    assert [user(ROSA), user(late)] == _found(session, "rosa")
    # Looked at again when as much time has passed.
    assert [] == clean(session, sign_in_names.needless(NOON - 30 * DAY, at=NOON))


def test_names_go_when_everything_of_their_user_is_ended(session: Session) -> None:
    """Not if links on one page alone are ended; and another user's stay."""
    policy = Policy(frozenset({PAGE}), tells_bot=False)
    _remember(session, ROSA)
    _remember(session, NAMESAKE)

    end_all(session, user(ROSA), cause="command", policy=policy, page=PAGE, at=NOON)
    assert user(ROSA) in _found(session, "rosa")

    end_all(session, user(ROSA), cause="command", policy=policy, at=NOON)
    assert [user(NAMESAKE)] == _found(session, "rosa")
