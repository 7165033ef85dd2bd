"""Lists of attempts: every attempt once, in order, in reads that are bounded whatever is stored."""

from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import event as listening
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.linking import attempt_lists, settling
from app.linking.attempt_events import Counted, Kind, Note, record
from app.linking.attempt_lists import AttemptList, ListFilter, list_attempts, place_of
from app.linking.entry_refusals import by_cause, newest_refusals
from app.linking.models import Attempt
from app.linking.references import reference_of
from app.messenger.types import PageId, Psid
from tests.cleanups import clean
from tests.installation import ANA, BEN, NOON, OTHER_PAGE, PAGE
from tests.linking.factories import JANE, MINUTE, OMAR, SECOND, linked, opened, signed_in, user

LATER: Final = NOON + timedelta(hours=2)


def settle(session: Session) -> None:
    session.flush()
    sum(clean(session, settling.unsettled(LATER)))
    session.expire_all()


def references_of(listed: AttemptList) -> list[str]:
    return [one.reference for one in listed.attempts]


def page_by_page(session: Session, **wanted: object) -> list[str]:
    """Return the references of all pages of a list, one after the other."""
    found: list[str] = []
    before = None
    while True:
        listed = list_attempts(session, ListFilter(before=before, **wanted), at=LATER)  # type: ignore[arg-type]
        found += references_of(listed)
        if listed.rest is None:
            return found
        before = place_of(session, listed.rest.reference)


def test_attempts_are_listed_newest_first_whether_settled_or_not(session: Session) -> None:
    opened(session, at=NOON)
    settle(session)
    opened(session, at=LATER - SECOND)
    session.flush()

    listed = list_attempts(session, ListFilter(), at=LATER)

    assert ["open", "expired"] == [one.state for one in listed.attempts]
    assert ["never_displayed"] * 2 == [one.cause for one in listed.attempts]
    assert ["opened"] * 2 == [one.stage for one in listed.attempts]
    assert listed.rest is None


def test_every_attempt_is_on_one_page_in_order(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of the same moment, and also where settled and others lie among each other."""
    monkeypatch.setattr(attempt_lists, "SHOWN", 3)
    monkeypatch.setattr(attempt_lists, "DERIVED", 2)
    for n in range(6):
        opened(session, at=NOON + n // 2 * SECOND)
    settle(session)
    for n in range(5):
        opened(session, at=NOON + n * SECOND)
    session.flush()
    rows = session.query(Attempt).order_by(Attempt.opened_at.desc(), Attempt.id.desc())
    expected = [row.reference for row in rows]

    assert expected == page_by_page(session)
    assert expected == page_by_page(session, cause="never_displayed")
    assert expected == page_by_page(session, page_id=PAGE, stage="opened")


def test_a_list_is_of_what_is_asked_for(session: Session) -> None:
    linked(session, psid=ANA, as_=JANE)
    signed_in(session, psid=BEN, as_=OMAR, page_id=OTHER_PAGE)
    opened(session)
    settle(session)

    def causes(**wanted: object) -> set[str]:
        listed = list_attempts(session, ListFilter(**wanted), at=LATER)  # type: ignore[arg-type]
        return {one.cause for one in listed.attempts}

    assert {"linked", "left_confirm", "never_displayed"} == causes()
    assert {"linked"} == causes(cause="linked")
    assert {"left_confirm"} == causes(stage="signed_in")
    assert {"left_confirm"} == causes(page_id=OTHER_PAGE)
    assert set() == causes(page_id=OTHER_PAGE, cause="linked")
    assert {"left_confirm"} == causes(user=user(OMAR))
    assert {"linked"} == causes(page_id=PAGE, psid=ANA)
    assert set() == causes(page_id=OTHER_PAGE, psid=ANA)
    assert set() == causes(since=NOON + MINUTE)
    assert {"linked", "left_confirm"} == causes(authenticator="local")


def test_an_authenticator_is_found_where_it_was_only_tried(session: Session) -> None:
    ticket = opened(session)
    note = Note(
        reference=reference_of(ticket.attempt_id),
        kind=Kind.CREDENTIALS_WRONG,
        subject="ldap:staff",
        at=NOON,
    )
    record(session, {note.key: Counted.one(note)})
    opened(session)
    settle(session)

    listed = list_attempts(session, ListFilter(authenticator="ldap:staff"), at=LATER)

    assert ["credentials_wrong"] == [one.cause for one in listed.attempts]


def test_a_filter_without_a_hit_looks_at_so_many_rows_and_says_where_it_stopped(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_lists, "LOOKED_AT", 4)
    linked(session, at=NOON)
    for n in range(1, 6):
        opened(session, at=NOON + n * MINUTE)
    settle(session)

    first = list_attempts(session, ListFilter(stage="linked"), at=LATER)

    assert [] == references_of(first)
    assert first.rest is not None
    assert NOON + 2 * MINUTE == first.rest.opened_at
    assert 1 == len(page_by_page(session, stage="linked"))


@pytest.mark.parametrize(
    ("index", "wanted"),
    [
        ("ix_attempt_cause", {"cause": "left_sign_in"}),
        ("ix_attempt_page", {"page_id": PageId("1")}),
        ("ix_attempt_opened_at", {}),
        ("ix_attempt_opened_at", {"stage": "linked", "authenticator": "local"}),
        ("ix_attempt_user", {"user": user(JANE)}),
        ("ix_attempt_person", {"page_id": PageId("1"), "psid": Psid("2")}),
        ("ix_attempt_unsettled", {"cause": "left_sign_in"}),
        ("ix_attempt_unsettled", {"page_id": PageId("1")}),
        ("ix_attempt_unsettled", {}),
    ],
)
def test_each_list_is_read_by_an_index(
    session: Session, index: str, wanted: dict[str, object]
) -> None:
    """No list reads all attempts: neither to find nor to sort them."""
    plans = plans_of(session, lambda: list_attempts(session, ListFilter(**wanted), at=LATER))  # type: ignore[arg-type]

    assert any(index in plan for plan in plans)
    # SQLite's and PostgreSQL's words for reading a table from one end to the other.
    assert not any("SCAN attempt\n" in plan or "Seq Scan on attempt " in plan for plan in plans)


def plans_of(session: Session, ask: object) -> list[str]:
    """Return the plan of each statement that *ask* sends."""
    sent: list[tuple[str, Any]] = []
    connection = session.connection()

    def keep(_conn: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        sent.append((statement, parameters))

    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        # Of a few rows, PostgreSQL would read all, and sort them.
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_sort = off"))
    listening.listen(connection, "before_cursor_execute", keep)
    try:
        ask()  # type: ignore[operator]
    finally:
        listening.remove(connection, "before_cursor_execute", keep)
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    plans = []
    for statement, parameters in sent:
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
        plans.append("\n".join(str(row[-1]) for row in rows) + "\n")
    return plans


def test_requests_without_an_attempt_are_counted_by_their_cause(session: Session) -> None:
    """They are in no statistics: for a day they are told by what is kept of them."""
    notes = [
        Note(reference=f"q3m9-7d2{n}", kind=Kind.ENTRY_REFUSED, subject=subject, at=NOON)
        for n, subject in enumerate(("page_unknown", "page_unknown", "link_incomplete"))
    ]
    record(session, {note.key: Counted.one(note) for note in notes})

    found = newest_refusals(session, at=NOON + MINUTE)

    assert {"entry_page_unknown": 2, "entry_incomplete": 1} == by_cause(found)
    assert [] == newest_refusals(session, at=NOON + timedelta(hours=25))
    plans = plans_of(session, lambda: newest_refusals(session, at=NOON))
    assert "ix_attempt_event_refused" in plans[0]
