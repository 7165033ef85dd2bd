"""References: one shape, computed for attempts, and found however they were typed."""

import re

import pytest
from sqlalchemy.orm import Session

from app.linking import attempts, references
from app.linking.models import Attempt
from app.linking.references import new_reference, normalised, reference_of
from tests.installation import NOON, PAGE
from tests.linking.factories import opened


def test_an_attempts_reference_is_computed_from_its_id(session: Session) -> None:
    """It is known where the database is away; the row holds the same, so that it is found."""
    ticket = opened(session)

    assert reference_of(ticket.attempt_id) == session.get_one(Attempt, ticket.attempt_id).reference


def test_the_reference_of_an_id_never_changes() -> None:
    """Else references of attempts that are open during an upgrade would lead nowhere."""
    assert "bnrt-a60a" == reference_of("an id")


def test_all_references_have_one_shape() -> None:
    shape = re.compile("[0-9a-hjkmnp-tv-z]{4}-[0-9a-hjkmnp-tv-z]{4}")

    assert all(shape.fullmatch(new_reference()) for _ in range(200))
    assert all(shape.fullmatch(reference_of(str(number))) for number in range(200))


def test_an_id_with_the_reference_of_another_attempt_is_drawn_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 bits may be the same for two attempts; the second must not end in an error."""
    opened(session)
    taken = session.query(Attempt).one().reference
    drawn = iter([taken, "q3m9-7d2k", "q3m9-7d2k"])
    monkeypatch.setattr(attempts, "reference_of", lambda _: next(drawn))

    attempts.open_(session, page_id=PAGE, account_linking_token="another", at=NOON)
    session.flush()

    assert {taken, "q3m9-7d2k"} == {row.reference for row in session.query(Attempt)}


@pytest.mark.parametrize(
    "typed",
    ["q3m9-0d21", "Q3M9-0D21", " q3m9 0d21 ", "q3m90d21", "q3m9-od2i", "Q3M9-OD2L", "q3m9 - 0d2l"],
)
def test_a_reference_is_understood_however_it_is_typed(typed: str) -> None:
    """Read aloud, a zero is heard as an o, and a one as an i or l."""
    assert "q3m9-0d21" == normalised(typed)


@pytest.mark.parametrize("typed", ["", "q3m9", "q3m9-0d2", "q3m9-0d211", "q3m9-0du1", "jane@x.org"])
def test_what_is_no_reference_is_none(typed: str) -> None:
    assert normalised(typed) is None


def test_a_reference_is_drawn_from_all_letters() -> None:
    letters = {letter for _ in range(200) for letter in references.new_reference()}

    assert 33 == len(letters)
