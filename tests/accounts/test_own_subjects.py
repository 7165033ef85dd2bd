"""Subjects that the business gives its accounts: one account each, and nobody's after it."""

import bcrypt
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import account_import, local, own_subjects
from app.accounts.account_import import ImportedAccount, RefusedLine
from app.accounts.local import SubjectRefused, SubjectRetired
from app.accounts.models import RetiredSubject
from tests.accounts.spellings import exact_spellings
from tests.installation import NOON
from tests.linking.factories import SECOND

JANE = "jane@example.com"
HASH = bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()


def add(session: Session, subject: str | None, username: str = JANE, **more: bool) -> str:
    return local.add(session, username, None, "hash", own_subject=subject, at=NOON, **more)


def kept(session: Session) -> list[str | None]:
    """Return of each retired subject what is kept of it in clear."""
    return list(session.scalars(select(RetiredSubject.subject)))


@pytest.mark.parametrize("subject", ["1", "10042", "DE/10042", "!~" * 32])
def test_an_account_has_the_subject_that_is_given(session: Session, subject: str) -> None:
    assert subject == add(session, subject)

    found = local.find(session, JANE)
    assert found is not None
    assert subject == found.subject


@pytest.mark.parametrize(
    "subject", ["", " ", "1 2", "10042\n", "x" * 65, "é", "\uff11", "\x7f", "10042\u200b"]
)
def test_a_subject_of_another_form_is_refused(session: Session, subject: str) -> None:
    with pytest.raises(SubjectRefused):
        add(session, subject)

    assert () == local.list_accounts(session)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(subject=exact_spellings(JANE))
def test_a_username_is_no_subject_in_any_spelling(session: Session, subject: str) -> None:
    """R58: a name may change, and may be another's then."""
    with pytest.raises(SubjectRefused):
        add(session, subject)


def test_a_subject_is_of_one_account(session: Session) -> None:
    add(session, "10042")

    for is_same_person in (False, True):
        with pytest.raises(SubjectRefused, match="There is an account with this subject"):
            add(session, "10042", "ben@example.com", is_same_person=is_same_person)


def test_nobody_gets_the_subject_of_a_deleted_account_unasked(session: Session) -> None:
    """R58: links, mirrors and the business's own records know somebody else by it."""
    add(session, "10042")
    local.delete(session, JANE, at=NOON)

    with pytest.raises(SubjectRetired, match="10042 belonged to a deleted account"):
        add(session, "10042", "ben@example.com")

    assert "10042" == add(session, "10042", is_same_person=True)
    # Not to be taken out of anything any more, and still known.
    assert [None] == kept(session)


def test_a_subject_that_was_given_back_is_retired_again(session: Session) -> None:
    add(session, "10042")
    local.delete(session, JANE, at=NOON)
    add(session, "10042", is_same_person=True)
    local.delete(session, JANE, at=NOON + SECOND)

    assert ["10042"] == kept(session)
    assert [] == own_subjects.to_forget(session, NOON)
    assert ["10042"] == own_subjects.to_forget(session, NOON + SECOND)
    with pytest.raises(SubjectRetired):
        add(session, "10042")


def test_of_a_random_subject_nothing_is_kept(session: Session) -> None:
    add(session, None)
    local.delete(session, JANE, at=NOON)

    assert [] == kept(session)


def imported(line: int, subject: str | None, username: str) -> ImportedAccount:
    return ImportedAccount(line, username, username, None, "hash", subject)


def test_an_import_names_each_line_whose_subject_is_taken_or_was(session: Session) -> None:
    """One refusal a line, and the others are added."""
    add(session, "1")
    add(session, "2", "gone@example.com")
    local.delete(session, "gone@example.com", at=NOON)
    lines = [("1", "a"), ("2", "b"), ("3", "c"), (None, "d"), ("1", JANE)]

    refused = account_import.add_all(
        session,
        [imported(number, subject, name) for number, (subject, name) in enumerate(lines)],
        at=NOON,
    )

    assert (
        RefusedLine(0, "subject", "there is an account with this subject"),
        RefusedLine(1, "subject", "this subject belonged to a deleted account"),
        RefusedLine(4, "username", "there is an account with this username"),
    ) == refused
    found = {one.username: one.subject for one in local.list_accounts(session)}
    assert ("3", {"c", "d", JANE}) == (found["c"], {*found})


def test_a_line_of_a_file_names_its_own_subject(session: Session) -> None:
    rows = [("1", "a"), ("A", "a2"), ("", "b"), ("", "c"), ("1", "d"), ("e", "E"), ("x y", "f")]
    given_ = [
        (number, {"username": name, "password_hash": HASH, "subject": subject}, "")
        for number, (subject, name) in enumerate(rows)
    ]

    lines = list(account_import.read_lines(given_))

    refused = [(one.line, one.column) for one in lines if isinstance(one, RefusedLine)]
    assert [(4, "subject"), (5, "subject"), (6, "subject")] == refused
    assert ["1", "A", None, None] == [
        one.subject for one in lines if isinstance(one, ImportedAccount)
    ]
    assert () == account_import.add_all(
        session, [one for one in lines if isinstance(one, ImportedAccount)], at=NOON
    )
