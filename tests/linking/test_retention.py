"""Retention of attempts (R112)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, or_, select, text
from sqlalchemy.orm import Session

from app.infra.settings.reader import Reader
from app.infra.settings.retention import Retention, read_retention
from app.linking.attempt_events import Kind
from app.linking.models import Attempt, AttemptEvent, LinkEvent
from app.linking.retention import ATTEMPTS, needless_names, old_attempts, old_events, old_history
from tests.cleanups import clean
from tests.installation import ANA, NOON, PAGE

RETENTION = read_retention(Reader({}))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def sweep(session: Session, *, retention: Retention = RETENTION) -> list[int]:
    """Sweep the attempts at noon; return how many rows each portion changed."""
    names, old = needless_names(NOON), old_attempts(retention, NOON)
    session.flush()
    return clean(session, *names, *old)


def _attempt(name: str, opened: timedelta, **more: object) -> Attempt:
    person = {"psid": ANA, "messenger_name": "Ana Berg", "picture_url": "https://…"}
    return Attempt(
        id=name,
        reference=name,
        page_id=PAGE,
        secret_hash="s",
        token_hash=name,
        opened_at=NOON - opened,
        **{**person, **more},
    )


def _event(reference: str, age: timedelta, kind: Kind = Kind.CREDENTIALS_WRONG) -> AttemptEvent:
    return AttemptEvent(
        reference=reference,
        kind=kind.value,
        subject="",
        code=0,
        subcode=0,
        detail="",
        first_at=NOON - age,
        last_at=NOON - age,
        times=1,
    )


def _references(session: Session) -> set[str]:
    return set(session.scalars(select(AttemptEvent.reference)))


def _ids(session: Session) -> set[str]:
    return set(session.scalars(select(Attempt.id)))


def _named(session: Session) -> set[str]:
    shown = or_(Attempt.messenger_name.is_not(None), Attempt.picture_url.is_not(None))
    return set(session.scalars(select(Attempt.id).where(shown)))


def test_history_stays_for_a_year(session: Session) -> None:
    """R112."""
    for reference, age in (("old", 365 * DAY), ("young", 365 * DAY - MINUTE)):
        session.add(
            LinkEvent(
                page_id=PAGE,
                psid=ANA,
                status="linked",
                cause="messenger",
                reference=reference,
                recorded_at=NOON - age,
            )
        )

    session.flush()
    assert [1] == clean(session, old_history(NOON - 365 * DAY))
    assert ["young"] == list(session.scalars(select(LinkEvent.reference)))


def test_attempts_of_nobody_known_go_after_a_day(session: Session) -> None:
    """R112."""
    for name, age in (("young", DAY - MINUTE), ("old", DAY)):
        session.add(_attempt(name, age, psid=None, messenger_name=None))

    sweep(session)

    assert {"young"} == _ids(session)


def test_failed_attempts_of_a_known_person_go_after_a_week(session: Session) -> None:
    """R112: whoever writes in about a failure of some days ago is still told why."""
    session.add_all([_attempt("young", 7 * DAY - MINUTE), _attempt("old", 7 * DAY)])

    sweep(session)

    assert {"young"} == _ids(session)


def test_failed_attempts_stay_as_long_as_those_of_nobody(session: Session) -> None:
    """An operator who keeps attempts for a month loses none by the newer setting."""
    month = read_retention(Reader({"KEEP_ATTEMPTS_HOURS": "720"}))
    session.add_all([_attempt("young", 29 * DAY), _attempt("old", 30 * DAY)])

    sweep(session, retention=month)

    assert {"young"} == _ids(session)


def test_events_go_with_their_attempt(session: Session) -> None:
    """R112."""
    session.add_all([_attempt("young", DAY), _attempt("old", 7 * DAY)])
    session.add_all([_event("young", DAY), _event("old", 7 * DAY), _event("old-too", 7 * DAY)])

    sweep(session)

    assert {"young", "old-too"} == _references(session)


def test_events_without_an_attempt_go_after_a_day_or_with_the_last_attempts(
    session: Session,
) -> None:
    """R112: refused entries after a day, all else after KEEP_CODES_DAYS."""
    session.add_all(
        [
            _event("refused", DAY, Kind.ENTRY_REFUSED),
            _event("young refused", DAY - MINUTE, Kind.ENTRY_REFUSED),
            _event("orphan", 30 * DAY),
            _event("young orphan", 30 * DAY - MINUTE),
        ]
    )
    session.flush()

    assert [1, 1] == clean(session, *old_events(RETENTION, NOON))
    assert {"young refused", "young orphan"} == _references(session)


def test_refused_entries_are_found_without_a_look_at_other_events(session: Session) -> None:
    """Each sweep would otherwise read all events of a month, to find those of a day."""
    seen: list[str] = []
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_bitmapscan = off"))
    # The very statement of the clean-up: a plan is of its text.
    (refusals, _) = old_events(RETENTION, NOON)

    def explain(_: object, cursor: Any, statement: str, parameters: Any, *__: object) -> None:
        if not seen:
            seen.append("")
            cursor.execute(f"EXPLAIN {'QUERY PLAN ' * is_sqlite}{statement}", parameters)
            seen.append(str(cursor.fetchall()))

    connection = session.connection()
    event.listen(connection.engine, "before_cursor_execute", explain)
    try:
        refusals.find(session, None)
    finally:
        event.remove(connection.engine, "before_cursor_execute", explain)

    assert "ix_attempt_event_refused" in seen[1]


def test_attempts_with_a_code_stay_for_thirty_days(session: Session) -> None:
    for name, age in (("young", 30 * DAY - MINUTE), ("old", 30 * DAY)):
        session.add(_attempt(name, age, confirmed_at=NOON - age, code_hash=name))

    sweep(session)

    assert {"young"} == _ids(session)


@pytest.mark.parametrize(
    ("opened", "confirmed", "ended", "is_kept"),
    [
        (4 * MINUTE, None, None, True),
        (5 * MINUTE, None, None, False),
        (MINUTE, None, MINUTE, False),
        (47 * HOUR, 47 * HOUR, None, True),
        (48 * HOUR, 48 * HOUR, None, False),
    ],
    ids=["running", "expired", "ended", "link may come", "link will not come"],
)
def test_a_name_is_kept_only_while_it_is_needed(
    session: Session,
    opened: timedelta,
    confirmed: timedelta | None,
    ended: timedelta | None,
    *,
    is_kept: bool,
) -> None:
    """R112: a link takes the name over; nothing else needs it once the attempt is over."""
    session.add(_attempt("one", opened, confirmed_at=_ago(confirmed), ended_at=_ago(ended)))

    sweep(session)

    assert is_kept == bool(_named(session))


def test_much_is_swept_in_several_short_rounds(session: Session) -> None:
    """R49: who links meanwhile must not wait for a hundred thousand rows."""
    session.add_all(_attempt(f"a{number}", 8 * DAY) for number in range(ATTEMPTS + 1))

    rounds = sweep(session)

    assert set() == _ids(session)
    # The names first, then the attempts themselves.
    assert [ATTEMPTS, 1, ATTEMPTS, 1] == rounds


def test_attempts_are_kept_as_long_as_the_operator_says(session: Session) -> None:
    """R112: one setting for each kind."""
    said = {"KEEP_ATTEMPTS_HOURS": "2", "KEEP_FAILED_ATTEMPTS_DAYS": "1", "KEEP_CODES_DAYS": "3"}
    changed = read_retention(Reader(said))
    for name, age in (("bare", 2 * HOUR), ("bare and young", 2 * HOUR - MINUTE)):
        session.add(_attempt(name, age, psid=None, messenger_name=None))
    session.add_all([_attempt("failed", DAY), _attempt("failed and young", DAY - MINUTE)])
    for name, age in (("code", 3 * DAY), ("code and young", 3 * DAY - MINUTE)):
        session.add(_attempt(name, age, confirmed_at=NOON - age, code_hash=name))

    sweep(session, retention=changed)

    assert {"bare and young", "failed and young", "code and young"} == _ids(session)


@pytest.mark.parametrize(
    ("opened", "ended", "is_kept"),
    [(19 * HOUR, HOUR, True), (20 * HOUR, HOUR, False), (47 * HOUR, None, True)],
    ids=["same day", "day over", "link may come"],
)
def test_who_signed_in_is_named_for_less_than_a_day(
    session: Session, opened: timedelta, ended: timedelta | None, *, is_kept: bool
) -> None:
    """R112: an account that is closed ends its attempts, so its names are gone within the day."""
    more = {"confirmed_at": _ago(opened), "code_hash": "c", "ended_at": _ago(ended)}
    session.add(_attempt("one", opened, display_name="j•••@example.com", **more))

    sweep(session)

    assert ("j•••@example.com" if is_kept else None) == session.scalar(select(Attempt.display_name))


def _ago(by: timedelta | None) -> datetime | None:
    return None if by is None else NOON - by
