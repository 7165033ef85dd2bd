"""The use cases of linking, on what only they decide; their parts have tests of their own."""

from dataclasses import replace
from functools import partial
from typing import Final

import pytest
from sqlalchemy.orm import Session

from app.accounts import local, rate_limiter
from app.accounts.authenticators import CredentialsRefused
from app.accounts.identity import Identity
from app.accounts.rate_limit_keys import RateLimitKeys
from app.linking import account_changes, attempts, chat_code, flow, link_queries
from app.linking.attempt_status import AttemptStatus, status_of
from app.linking.flow import Consent, ConsentRules, NotConfirmed
from app.linking.handlers import Policy
from app.linking.question import question_digest
from app.linking.values import Ended, Made, Refused, Ticket
from app.messenger.events import AccountLinked, AccountUnlinked, Unusable
from tests.installation import ANA, BEN, NOON, PAGE, USERNAME
from tests.linking.factories import (
    CODE_KEY,
    JANE,
    OMAR,
    SECOND,
    confirmed,
    linked,
    signed_in,
    successor,
)

POLICY: Final = Policy(frozenset({PAGE}), tells_bot=False)
QUESTION_KEY: Final = b"question key"
RULES: Final = ConsentRules(
    max_links=5, confirm_in_chat="never", rate_limit_keys=RateLimitKeys(b"secret")
)
WITH_DIGITS: Final = replace(RULES, confirm_in_chat="always")


def consent_to(status: AttemptStatus, ticket: Ticket, *, digits_hash: str = "") -> Consent:
    """Return the answer to the question of *status*, with digits if any were asked for."""
    asks_code = bool(digits_hash)
    return Consent(
        question=question_digest(status, ticket, asks_code=asks_code, key=QUESTION_KEY),
        question_key=QUESTION_KEY,
        digits_hash=digits_hash,
        code_key=CODE_KEY,
    )


def jane_with_an_account(session: Session) -> Identity:
    """Add an account and return its user."""
    local.add(session, USERNAME, None, "a hash", at=NOON)
    account = local.find(session, USERNAME)
    assert account is not None
    return Identity(local.ISSUER, account.subject, "j•••@example.com")


# Not "local", whose accounts must exist.
ELSEWHERE: Final = Identity("https://login.example.org", "omar", "o•••@example.com")


def test_a_consent_to_the_question_that_was_shown_gets_a_code(session: Session) -> None:
    ticket = signed_in(session, as_=ELSEWHERE)
    consent = consent_to(status_of(session, ticket, at=NOON), ticket)

    code = flow.confirm(session, ticket, consent, RULES, at=NOON)

    assert isinstance(code, str)
    assert "confirmed" == status_of(session, ticket, at=NOON).state


def test_a_consent_to_another_question_gets_none(session: Session) -> None:
    """R13: another user has signed in since, in another tab."""
    ticket = signed_in(session, as_=ELSEWHERE)
    consent = consent_to(status_of(session, ticket, at=NOON), ticket)
    renewed, rosa = successor(ticket), replace(ELSEWHERE, subject="rosa")
    attempts.sign_in(session, ticket, rosa, renewed, at=NOON)

    outcome = flow.confirm(session, renewed, consent, RULES, at=NOON)

    assert NotConfirmed.QUESTION_CHANGED is outcome
    assert "signed_in" == status_of(session, renewed, at=NOON).state


def test_an_account_that_was_closed_gets_none_and_its_attempt_ends(session: Session) -> None:
    """R69."""
    ticket = signed_in(session, as_=jane_with_an_account(session))
    consent = consent_to(status_of(session, ticket, at=NOON), ticket)
    local.disable(session, USERNAME, at=NOON)

    outcome = flow.confirm(session, ticket, consent, RULES, at=NOON)
    session.expire_all()

    assert NotConfirmed.ACCOUNT_CLOSED is outcome
    assert "refused" == status_of(session, ticket, at=NOON).state


def test_the_digits_are_compared_where_they_are_needed(session: Session) -> None:
    ticket = signed_in(session, as_=ELSEWHERE)
    assert chat_code.begin_sending(session, ticket, "right", is_first=True, at=NOON)
    status = status_of(session, ticket, at=NOON)

    outcomes = [
        flow.confirm(
            session,
            ticket,
            consent_to(status, ticket, digits_hash=digits_hash),
            WITH_DIGITS,
            at=NOON,
        )
        for digits_hash in ("wrong", "right")
    ]

    assert NotConfirmed.WRONG_DIGITS is outcomes[0]
    assert isinstance(outcomes[1], str)


def test_an_account_that_is_disabled_while_its_password_is_verified_is_refused(
    session: Session,
) -> None:
    """R69."""
    jane = jane_with_an_account(session)
    ticket = attempts.open_(session, page_id=PAGE, account_linking_token="t", at=NOON)
    local.disable(session, USERNAME, at=NOON)
    counters = RULES.rate_limit_keys.sign_in(USERNAME, "192.0.2.1", PAGE, ANA)
    hit = rate_limiter.hit(session, counters, at=NOON)

    with pytest.raises(CredentialsRefused):
        flow.sign_in(session, ticket, jane, successor(ticket), hit, name_hashes=(), at=NOON)

    assert status_of(session, ticket, at=NOON).user is None


def test_closing_an_account_ends_its_attempts_and_links(session: Session) -> None:
    jane = jane_with_an_account(session)
    linked(session, psid=ANA, as_=jane)
    linked(session, psid=BEN, as_=OMAR)
    under_way = signed_in(session, as_=jane)

    ended = account_changes.close_account(
        session, partial(local.delete, at=NOON), USERNAME, policy=POLICY, at=NOON
    )
    session.expire_all()

    assert 1 == ended
    assert link_queries.find_link(session, PAGE, ANA) is None
    assert link_queries.find_link(session, PAGE, BEN) is not None
    assert "refused" == status_of(session, under_way, at=NOON).state


def test_the_events_of_a_delivery_are_handled_in_their_order(session: Session) -> None:
    code = confirmed(session, as_=JANE)
    events = (
        AccountLinked(PAGE, ANA, NOON, code),
        Unusable(None, "unreadable"),
        AccountUnlinked(PAGE, ANA, NOON + SECOND),
        AccountUnlinked(PAGE, ANA, NOON + SECOND),
    )

    outcomes = flow.take_in(session, events, None, policy=POLICY, at=NOON)

    assert [Made, Refused, Ended, type(None)] == [type(outcome) for outcome in outcomes]
