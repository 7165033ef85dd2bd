"""Statistics: what the commands and the console show of the settled counts."""

from datetime import timedelta

from sqlalchemy.orm import Session

from app.linking import delivery_counts
from app.linking.causes.cause import Stage
from app.linking.delivery_counts import Seen
from app.linking.models import AttemptsOfDay, LinkTimesOfDay
from app.linking.statistics import CountFilter, causes_of, places_of_cause, statistics_of
from tests.installation import NOON, OTHER_PAGE, PAGE
from tests.linking.factories import confirmed, opened

TODAY = NOON.date()


def count(session: Session, days_ago: int, cause: str, attempts: int, **key: str) -> None:
    session.add(
        AttemptsOfDay(
            day=TODAY - timedelta(days=days_ago),
            cause=cause,
            attempts=attempts,
            **{"page_id": PAGE, "authenticator": "local", "stage": "opened", **key},
        )
    )


def test_days_causes_and_times_are_of_the_days_that_are_asked_for(session: Session) -> None:
    count(session, 0, "linked", 3, stage="linked")
    count(session, 0, "left_sign_in", 2)
    count(session, 1, "left_sign_in", 5, page_id=OTHER_PAGE)
    count(session, 2, "rate_limited", 7, authenticator="ldap:staff")
    session.add(LinkTimesOfDay(day=TODAY, page_id=PAGE, bucket=30, links=3))
    session.flush()
    wanted = CountFilter.of_last(2, TODAY)

    found = statistics_of(session, wanted)

    assert {TODAY - timedelta(days=1): (5, 0), TODAY: (5, 3)} == found.days
    assert {"left_sign_in": 7} == found.causes
    assert (10, 3, 7) == (found.reached[Stage.OPENED], found.reached[Stage.LINKED], found.missed)
    assert (30, 3, 0) == (found.median_s, found.times[30], found.times[0])
    assert {"rate_limited": 7} == causes_of(session, wanted.before(TODAY))
    by_ldap = CountFilter.of_last(7, TODAY, authenticator="ldap:staff")
    assert {"rate_limited": 7} == statistics_of(session, by_ldap).causes
    assert {(TODAY, PAGE): 2, (TODAY - timedelta(days=1), OTHER_PAGE): 5} == places_of_cause(
        session, "left_sign_in", wanted
    )


def test_what_is_under_way_is_told_apart_from_what_waits_for_messenger(session: Session) -> None:
    """And is of the same days and the same Page as all other numbers."""
    opened(session)
    confirmed(session)
    opened(session, page_id=OTHER_PAGE)
    opened(session, at=NOON - timedelta(days=1))
    session.flush()

    of_page = statistics_of(session, CountFilter.of_last(1, TODAY, page_id=PAGE)).under_way
    of_all = statistics_of(session, CountFilter.of_last(2, TODAY)).under_way

    assert (1, 1) == (of_page.open_, of_page.confirmed)
    assert (3, 1, 4) == (of_all.open_, of_all.confirmed, of_all.total)


def test_deliveries_are_told_by_day_those_without_any_too(session: Session) -> None:
    minute = NOON.replace(second=0)
    counts = {
        (minute, "current"): 4,
        (minute, "previous"): 1,
        (minute - timedelta(days=2), "refused"): 3,
        (minute - timedelta(days=3), "current"): 9,
    }
    delivery_counts.add(session, counts)  # type: ignore[arg-type]  # a literal of outcomes

    found = delivery_counts.by_day(session, days=3, until=NOON)

    assert [
        (TODAY - timedelta(days=2), Seen(0, 3)),
        (TODAY - timedelta(days=1), Seen(0, 0)),
        (TODAY, Seen(5, 0)),
    ] == [*found.items()]
