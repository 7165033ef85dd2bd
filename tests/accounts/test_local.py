import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from app.accounts import local, proofs
from app.accounts.local import AccountUnknown, UsernameRefused, UsernameTaken, canonical
from app.accounts.models import Account

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


def test_a_new_installation_has_no_account(session: Session) -> None:
    """R64: nobody knows a name or a password that is the same everywhere."""
    assert () == local.list_accounts(session)


def test_an_account_has_a_password_and_nothing_beside_it() -> None:
    """No hint, question, recovery code or address by which somebody else could get in."""
    names = {
        "id",
        "subject_is_own",
        "username",
        "canonical",
        "display_name",
        "created_at",
        "disabled_at",
    }
    of_password = {"password_hash", "password_set_at", "password_is_first"}

    assert of_password == {column.name for column in inspect(Account).columns} - names


def test_an_account_is_found_however_its_name_is_written(session: Session) -> None:
    """R63: people type capitals, phones add spaces."""
    subject = local.add(session, "Jane@Example.com", "Jane Doe", "hash", at=NOON)

    found = local.find(session, " jane@EXAMPLE.com ")

    assert (
        local.AccountValue(
            subject,
            "Jane@Example.com",
            "Jane Doe",
            NOON,
            disabled_at=None,
            password_set_at=NOON,
            password_is_first=False,
        )
        == found
    )


@pytest.mark.parametrize(
    "again", ["jane", "JANE", "\uff4a\uff41\uff4e\uff45", " jane ", "Jane\u0020"]
)
def test_one_name_written_two_ways_is_one_account(session: Session, again: str) -> None:
    """R63."""
    local.add(session, "Jane", None, "hash", at=NOON)
    session.flush()

    with pytest.raises(UsernameTaken) as taken:
        local.add(session, again, None, "hash", at=NOON)

    assert again not in str(taken.value)


def test_names_that_only_look_alike_are_two_accounts(session: Session) -> None:
    """R63: the dotless i does not fall together with another's mailbox."""
    first = local.add(session, "mike@example.com", None, "hash", at=NOON)
    second = local.add(session, "m\u0131ke@example.com", None, "hash", at=NOON)

    assert first != second
    assert {first, second} == {one.subject for one in local.list_accounts(session)}


@pytest.mark.parametrize(
    "name",
    ["", "  ", "ja\u200bne", "jane\x00", "\u202ejane", "\ud800", "x" * 255, "\ufdfa" * 100],
    ids=["nothing", "spaces", "zero width", "NUL", "turned", "half", "long", "long when normal"],
)
def test_a_name_nobody_could_tell_apart_is_no_username(session: Session, name: str) -> None:
    """And asking for it is an answer, not an error of the database."""
    with pytest.raises(UsernameRefused):
        local.add(session, name, None, "hash", at=NOON)

    assert local.find(session, name) is None
    assert () == local.list_accounts(session)


@given(st.text(st.characters(), max_size=30))
def test_the_canonical_form_is_its_own(name: str) -> None:
    """R63: else an account could be added that nobody finds."""
    try:
        once = canonical(name)
    except UsernameRefused:
        return

    assert once == canonical(once)


def test_a_subject_is_random_and_never_comes_back(session: Session) -> None:
    """Design §4: a deleted account's links must not pass to whoever takes its name."""
    first = local.add(session, "jane", None, "hash", at=NOON)
    session.flush()
    assert first == local.delete(session, "JANE", at=NOON)

    second = local.add(session, "jane", None, "hash", at=NOON)

    assert first != second
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", second)


def test_a_disabled_account_is_active_no_more_until_enabled(session: Session) -> None:
    """R69: also for what it has begun."""
    subject = local.add(session, "jane", None, "hash", at=NOON)
    assert proofs.is_active(session, subject)

    assert subject == local.disable(session, "jane", at=LATER)
    assert not proofs.is_active(session, subject)

    assert subject == local.enable(session, "jane")
    assert proofs.is_active(session, subject)


def test_disabling_twice_keeps_the_first_time(session: Session) -> None:
    local.add(session, "jane", None, "hash", at=NOON)
    local.disable(session, "jane", at=NOON)
    local.disable(session, "jane", at=LATER)

    found = local.find(session, "jane")

    assert found is not None
    assert NOON == found.disabled_at


def test_a_deleted_account_is_gone(session: Session) -> None:
    subject = local.add(session, "jane", None, "hash", at=NOON)

    assert subject == local.delete(session, "jane", at=NOON)

    assert local.find(session, "jane") is None
    assert not proofs.is_active(session, subject)


def test_setting_a_password_replaces_the_hash_of_this_account(session: Session) -> None:
    subject = local.add(session, "jane", None, "old", at=NOON)
    local.add(session, "ben", None, "ben's", at=NOON)

    assert subject == local.set_password(session, "Jane", "new", at=NOON)

    kept = session.scalars(select(Account.password_hash).order_by(Account.canonical))
    assert ["ben's", "new"] == list(kept)


def test_what_nobody_has_cannot_be_changed(session: Session) -> None:
    local.add(session, "ben", None, "hash", at=NOON)

    with pytest.raises(AccountUnknown):
        local.set_password(session, "jane", "new", at=NOON)
    with pytest.raises(AccountUnknown):
        local.disable(session, "jane", at=NOON)
    with pytest.raises(AccountUnknown):
        local.enable(session, "jane")
    with pytest.raises(AccountUnknown):
        local.delete(session, "jane", at=NOON)

    assert ["ben"] == [one.username for one in local.list_accounts(session)]


def test_accounts_are_listed_by_name_without_their_hashes(session: Session) -> None:
    for name in ("zoe", "Ann", "ben"):
        local.add(session, name, None, "$argon2id$secret", at=NOON)

    listed = local.list_accounts(session)

    assert ["Ann", "ben", "zoe"] == [one.username for one in listed]
    assert "argon2" not in repr(listed)


def test_the_database_itself_keeps_names_apart(session: Session) -> None:
    """R63: two commands at once must not both win."""
    unique = inspect(session.connection()).get_unique_constraints("account")

    assert [["canonical"]] == [one["column_names"] for one in unique]
