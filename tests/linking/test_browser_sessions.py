"""Browser sessions: how long they last, whose they are, and what ends them."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.accounts.rate_limit_keys import RateLimitKeys
from app.linking import browser_sessions, session_retention, voiding
from app.linking.errors import NotDeparted, SessionError, SessionOver, SessionUnknown
from app.linking.session_models import BrowserSession
from app.linking.session_status import Purpose
from app.linking.values import ENDED_BY_US, Ticket, User
from tests.installation import NOON, OTHER_PAGE, PAGE

KEYS: Final = RateLimitKeys(b"tests")
JANE: Final = Identity("https://login.example.org", "jane", "j•••@example.com")
MINUTE: Final = timedelta(minutes=1)


def opened(session: Session, purpose: Purpose = "connect") -> Ticket:
    counters = KEYS.opens("192.0.2.1")
    return browser_sessions.open_(session, counters, purpose=purpose, page_id=PAGE, at=NOON)


def signed_in(session: Session, purpose: Purpose = "connect") -> Ticket:
    ticket = opened(session, purpose)
    successor = Ticket(ticket.attempt_id, "another secret")
    browser_sessions.sign_in(session, ticket, JANE, successor, at=NOON)
    return successor


def state(session: Session, ticket: Ticket, minutes: float) -> str:
    return browser_sessions.status_of(session, ticket, at=NOON + minutes * MINUTE).state


@pytest.mark.parametrize(("purpose", "minutes"), [("connect", 15), ("connections", 10)])
def test_it_lasts_for_its_purpose(session: Session, purpose: Purpose, minutes: int) -> None:
    """Five minutes to sign in; then as long as the work takes."""
    unsigned = opened(session, purpose)
    signed = signed_in(session, purpose)

    assert ["open", "expired"] == [state(session, unsigned, each) for each in (4.9, 5)]
    last = [state(session, signed, each) for each in (minutes - 0.1, minutes)]
    assert ["signed_in", "expired"] == last


def test_a_clock_that_steps_back_lengthens_nothing(session: Session) -> None:
    assert "expired" == state(session, opened(session), -6)


def test_the_secret_of_before_the_sign_in_does_nothing(session: Session) -> None:
    ticket = opened(session)
    browser_sessions.sign_in(session, ticket, JANE, Ticket(ticket.attempt_id, "new"), at=NOON)

    with pytest.raises(SessionUnknown):
        browser_sessions.status_of(session, ticket, at=NOON)


def test_a_sign_in_that_is_repeated_changes_nothing(session: Session) -> None:
    ticket = opened(session)
    successor = Ticket(ticket.attempt_id, "new")

    first = browser_sessions.sign_in(session, ticket, JANE, successor, at=NOON)
    second = browser_sessions.sign_in(session, ticket, JANE, successor, at=NOON + MINUTE)

    assert (True, False) == (first, second)
    assert NOON == session.get_one(BrowserSession, ticket.attempt_id).signed_in_at


@pytest.mark.parametrize(("subject", "kept"), [("jane", "order 1042"), ("omar", None)])
def test_resume_is_told_to_no_other_user(session: Session, subject: str, kept: str | None) -> None:
    """R132: also where another signs in over the one before, without signing out."""
    counters = KEYS.opens("192.0.2.1")
    first = browser_sessions.open_(
        session, counters, purpose="connect", page_id=PAGE, resume="order 1042", at=NOON
    )
    second, third = (Ticket(first.attempt_id, secret) for secret in ("second", "third"))
    browser_sessions.sign_in(session, first, JANE, second, at=NOON)

    browser_sessions.sign_in(session, second, replace(JANE, subject=subject), third, at=NOON)

    assert kept == browser_sessions.status_of(session, third, at=NOON).resume


def test_it_is_good_for_one_purpose(session: Session) -> None:
    ticket = signed_in(session, "connect")

    with pytest.raises(SessionUnknown):
        browser_sessions.signed_in(session, ticket, purpose="connections", at=NOON)


def test_before_a_sign_in_nothing_can_be_done(session: Session) -> None:
    with pytest.raises(SessionOver):
        browser_sessions.signed_in(session, opened(session), purpose="connect", at=NOON)


def test_leaving_the_account_forgets_it(session: Session) -> None:
    ticket = signed_in(session)
    successor = Ticket(ticket.attempt_id, "third")

    browser_sessions.sign_out(session, ticket, successor, purpose="connect", at=NOON + 14 * MINUTE)

    status = browser_sessions.status_of(session, successor, at=NOON + 18 * MINUTE)
    assert ("open", None, None) == (status.state, status.user, status.display_name)


def test_what_a_provider_is_given_serves_once(session: Session) -> None:
    ticket = opened(session)
    browser_sessions.depart(session, ticket, "memo", at=NOON)

    assert "memo" == browser_sessions.come_back(session, ticket, at=NOON)
    with pytest.raises(NotDeparted):
        browser_sessions.come_back(session, ticket, at=NOON)


def test_an_end_of_the_business_ends_it(session: Session) -> None:
    """With attempts and invitations: disabling an account, or a new password."""
    mine, other = signed_in(session), opened(session)
    user = User(JANE.issuer, JANE.subject)

    voiding.void_of_user(session, user, ENDED_BY_US, page=OTHER_PAGE, at=NOON)
    assert "signed_in" == state(session, mine, 0)
    voiding.void_of_user(session, user, ENDED_BY_US, but=mine.attempt_id, at=NOON)
    assert "signed_in" == state(session, mine, 0)
    voiding.void_of_user(session, user, ENDED_BY_US, at=NOON)

    assert "ended" == state(session, mine, 0)
    assert "open" == state(session, other, 0)
    with pytest.raises(SessionError):
        browser_sessions.signed_in(session, mine, purpose="connect", at=NOON)


def test_it_is_deleted_after_an_hour(session: Session) -> None:
    ticket = signed_in(session)
    cleanup = session_retention.old(NOON + timedelta(minutes=59))
    assert [] == list(cleanup.find(session, None))

    cleanup = session_retention.old(NOON + timedelta(hours=1))

    assert [ticket.attempt_id] == list(cleanup.find(session, None))
    assert 1 == cleanup.change(session, [ticket.attempt_id])


def test_it_is_erased_with_its_user(session: Session) -> None:
    """R112."""
    ticket = signed_in(session)
    opened(session)

    cleanup = session_retention.of_user(User(JANE.issuer, JANE.subject))

    assert [ticket.attempt_id] == list(cleanup.find(session, None))
