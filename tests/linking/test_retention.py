"""Retention of attempts (R112)."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION
from app.infra.settings.parsing import Reader
from app.infra.settings.retention import Retention, read_retention
from app.linking.models import Attempt, LinkEvent
from app.linking.retention import needless_names, old_attempts, old_history
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
    return Attempt(
        id=name,
        reference=name,
        page_id=PAGE,
        secret_hash="s",
        token_hash=name,
        opened_at=NOON - opened,
        psid=ANA,
        messenger_name="Ana Berg",
        **more,
    )


def _ids(session: Session) -> set[str]:
    return set(session.scalars(select(Attempt.id)))


def _named(session: Session) -> set[str]:
    return set(session.scalars(select(Attempt.id).where(Attempt.messenger_name.is_not(None))))


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


def test_attempts_without_a_code_go_after_a_day(session: Session) -> None:
    session.add_all([_attempt("young", DAY - MINUTE), _attempt("old", DAY)])

    sweep(session)

    assert {"young"} == _ids(session)


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
    session.add_all(_attempt(f"a{number}", 2 * DAY) for number in range(PORTION + 1))

    rounds = sweep(session)

    assert set() == _ids(session)
    # The names first, then the attempts themselves.
    assert [PORTION, 1, PORTION, 1] == rounds


def test_attempts_are_kept_as_long_as_the_operator_says(session: Session) -> None:
    """R112: one setting for each kind."""
    changed = read_retention(Reader({"KEEP_ATTEMPTS_HOURS": "2", "KEEP_CODES_DAYS": "3"}))
    session.add_all([_attempt("bare", 2 * HOUR), _attempt("bare and young", 2 * HOUR - MINUTE)])
    for name, age in (("code", 3 * DAY), ("code and young", 3 * DAY - MINUTE)):
        session.add(_attempt(name, age, confirmed_at=NOON - age, code_hash=name))

    sweep(session, retention=changed)

    assert {"bare and young", "code and young"} == _ids(session)


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
