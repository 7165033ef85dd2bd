"""The handlers of events: `graph.unlink` where Messenger shows a wrong button, and no other row."""

from datetime import timedelta
from typing import get_args

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking import handlers, link_queries
from app.linking.graph_unlink import KIND, Unlink
from app.linking.handlers import Policy
from app.linking.models import Attempt, Link, LinkEvent
from app.linking.values import Outcome, Refused
from app.messenger.delivery_shapes import Fault
from app.messenger.events import AccountLinked, AccountUnlinked, Event, Other, Unusable
from app.messenger.types import PageId, Psid
from app.outbox.models import OutboxRow
from tests.installation import ANA, BEN, NOON, OTHER_PAGE, PAGE
from tests.linking.factories import JANE, MINUTE, OMAR, confirmed, linked, user

POLICY = Policy(frozenset({PAGE, OTHER_PAGE}), tells_bot=False)
FOREIGN_PAGE = PageId("999")


def test_every_event_has_a_handler_but_those_of_the_bot() -> None:
    assert {*get_args(Event)} - {Other} == {*handlers.HANDLERS}


def test_a_link_that_is_made_tells_messenger_nothing(session: Session) -> None:
    _comes_back(session, confirmed(session))

    assert link_queries.find_link(session, PAGE, ANA) is not None
    assert [] == _told(session)


@pytest.mark.parametrize("psid", [ANA, BEN], ids=["unknown code", "stolen code"])
def test_whoever_is_refused_and_not_linked_gets_log_in_again(session: Session, psid: Psid) -> None:
    """Messenger shows Log Out to anybody who came back with a code, whatever it is worth."""
    code = confirmed(session, psid=ANA) if psid == BEN else "tl_made-up"

    _comes_back(session, code, psid=psid)

    assert [Unlink(PAGE, psid)] == _told(session)


def test_whoever_is_refused_and_linked_keeps_log_out(session: Session) -> None:
    linked(session, psid=ANA, at=NOON - MINUTE)

    refused = _comes_back(session, "tl_made-up", psid=ANA)

    assert isinstance(refused, Refused)
    assert [] == _told(session)


def test_whoever_brings_a_spent_code_of_another_gets_log_in_again(session: Session) -> None:
    code = confirmed(session, psid=ANA)
    _comes_back(session, code, psid=ANA)

    _comes_back(session, code, psid=BEN)

    assert [Unlink(PAGE, BEN)] == _told(session)


def test_a_repeated_refusal_tells_messenger_once(session: Session) -> None:
    """R36."""
    for _ in range(3):
        _comes_back(session, "tl_made-up")

    assert [Unlink(PAGE, ANA)] == _told(session)


def test_a_repeated_linked_tells_messenger_nothing(session: Session) -> None:
    code = confirmed(session)
    _comes_back(session, code)

    assert _comes_back(session, code) is None
    assert [] == _told(session)


def test_a_linked_that_is_older_than_the_end_tells_messenger_nothing(session: Session) -> None:
    """Messenger knows the end: it told us of it."""
    code = confirmed(session)
    _logs_out(session, after=MINUTE)

    _comes_back(session, code)

    assert [] == _told(session)


def test_a_log_out_tells_messenger_nothing(session: Session) -> None:
    linked(session)

    _logs_out(session, after=MINUTE)
    _logs_out(session, psid=BEN)

    assert [] == _told(session)


def test_a_foreign_page_makes_nothing_but_burns_the_code(session: Session) -> None:
    """R47: a page that is not configured; there is no token to tell Messenger with, either."""
    code = confirmed(session)

    outcome = _comes_back(session, code, page_id=FOREIGN_PAGE)
    later = _comes_back(session, code)

    assert isinstance(outcome, Refused)
    assert isinstance(later, Refused)
    assert ["foreign page", "spent"] == [outcome.reason, later.reason]
    assert session.scalar(select(Link)) is None
    assert [("refused", "foreign page"), ("refused", "spent")] == _history(session)
    assert [Unlink(PAGE, ANA)] == _told(session)


def test_a_log_out_on_a_foreign_page_leaves_no_row(session: Session) -> None:
    event = AccountUnlinked(FOREIGN_PAGE, ANA, NOON)

    handlers.on_unlinked(session, event, policy=POLICY, at=NOON)

    assert session.scalar(select(Link)) is None
    assert [] == _history(session)


@pytest.mark.parametrize("fault", ["time", "page", "psid", "status", "foreign object"])
def test_a_code_in_an_unusable_event_is_burnt(session: Session, fault: Fault) -> None:
    """Whoever sent it knows it now."""
    code = confirmed(session, as_=JANE)

    outcome = handlers.on_unusable(session, Unusable(code, fault), policy=POLICY, at=NOON)
    later = _comes_back(session, code)

    attempt = session.scalars(select(Attempt)).one()
    assert Refused(fault, user(JANE), attempt.reference) == outcome
    assert ("refused", fault) == (attempt.ended_as, attempt.reason)
    assert (None, None) == (attempt.messenger_name, attempt.picture_url)
    assert isinstance(later, Refused)
    assert session.scalar(select(Link)) is None
    assert ("refused", fault) == _history(session)[0]


@pytest.mark.parametrize("code", [None, "tl_made-up"], ids=["no code", "nobody's code"])
def test_an_unusable_event_without_a_code_of_ours_leaves_no_row(
    session: Session, code: str | None
) -> None:
    outcome = handlers.on_unusable(session, Unusable(code, "time"), policy=POLICY, at=NOON)

    assert Refused("time", None, None) == outcome
    assert [] == _history(session)
    assert [] == _told(session)


def test_an_unusable_event_does_not_end_what_its_code_has_made(session: Session) -> None:
    code = confirmed(session)
    _comes_back(session, code)

    handlers.on_unusable(session, Unusable(code, "time"), policy=POLICY, at=NOON)

    assert link_queries.find_link(session, PAGE, ANA) is not None
    assert [("linked", "messenger")] == _history(session)


@pytest.mark.parametrize("page_id", [PAGE, FOREIGN_PAGE])
def test_a_code_in_a_log_out_is_burnt(session: Session, page_id: PageId) -> None:
    """Whoever sent it knows it now; the log-out is a log-out all the same."""
    linked(session, at=NOON - MINUTE)
    code = confirmed(session)
    event = AccountUnlinked(page_id, ANA, NOON, code)

    for _ in range(2):
        handlers.on_unlinked(session, event, policy=POLICY, at=NOON)
    later = _comes_back(session, code)

    assert isinstance(later, Refused)
    assert "spent" == later.reason
    assert (page_id == FOREIGN_PAGE) == (link_queries.find_link(session, PAGE, ANA) is not None)
    assert 1 == _history(session).count(("refused", "unlinked"))


def test_a_log_out_does_not_end_what_its_code_has_made_later(session: Session) -> None:
    code = confirmed(session)
    _comes_back(session, code)
    event = AccountUnlinked(PAGE, ANA, NOON - MINUTE, code)

    handlers.on_unlinked(session, event, policy=POLICY, at=NOON)

    assert link_queries.find_link(session, PAGE, ANA) is not None


def test_an_end_by_us_tells_messenger_once(session: Session) -> None:
    linked(session)

    for _ in range(2):
        handlers.end_one(session, PAGE, ANA, cause="operator", policy=POLICY, at=NOON)

    assert [Unlink(PAGE, ANA)] == _told(session)


def test_all_links_of_a_user_end_and_nobody_elses(session: Session) -> None:
    linked(session, psid=ANA, as_=JANE)
    linked(session, psid=ANA, as_=JANE, page_id=OTHER_PAGE)
    linked(session, psid=BEN, as_=OMAR)

    ended = handlers.end_all(session, user(JANE), cause="account closed", policy=POLICY, at=NOON)

    assert [(PAGE, ANA), (OTHER_PAGE, ANA)] == [(link.page_id, link.psid) for link in ended.links]
    assert {"account closed"} == {link.cause for link in ended.links}
    assert link_queries.find_link(session, PAGE, BEN) is not None
    assert [Unlink(PAGE, ANA), Unlink(OTHER_PAGE, ANA)] == _told(session)


def _comes_back(
    session: Session, code: str, *, psid: Psid = ANA, page_id: PageId = PAGE
) -> Outcome:
    event = AccountLinked(page_id, psid, NOON, code)
    return handlers.on_linked(session, event, policy=POLICY, at=NOON)


def _logs_out(session: Session, *, psid: Psid = ANA, after: timedelta = timedelta(0)) -> Outcome:
    event = AccountUnlinked(PAGE, psid, NOON + after)
    return handlers.on_unlinked(session, event, policy=POLICY, at=NOON)


def _told(session: Session) -> list[Unlink]:
    """Return whom the outbox wants Messenger to hold for not linked."""
    rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == KIND).order_by(OutboxRow.id))
    return [Unlink.from_body(row.body) for row in rows]


def _history(session: Session) -> list[tuple[str, str]]:
    rows = session.scalars(select(LinkEvent).order_by(LinkEvent.id))
    return [(row.status, row.cause) for row in rows]
