"""Attempts: their states, and who may do what in each."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.linking import attempts, chat_code, provider_visits
from app.linking.attempt_status import LIFE, status_of
from app.linking.authorization_codes import CODE_LIFE
from app.linking.errors import (
    AttemptExpired,
    AttemptOver,
    AttemptUnknown,
    NotSignedIn,
    TokenSpent,
    TooManyLinks,
)
from app.linking.models import Attempt
from app.linking.values import ACCOUNT_CLOSED, NameOutcome, Recognised, Ticket
from app.linking.voiding import void_of_user
from tests.installation import ANA, BEN, NOON, OTHER_PAGE
from tests.linking.factories import (
    JANE,
    MINUTE,
    OMAR,
    SECOND,
    comes_back,
    confirm,
    linked,
    opened,
    recognised,
    signed_in,
    successor,
    user,
)


def test_an_attempt_goes_from_open_to_signed_in_to_confirmed_to_linked(session: Session) -> None:
    ticket = opened(session)
    states = [_state(session, ticket)]

    attempts.recognise(session, ticket, recognised(ANA, "Ana Berg"), at=NOON)
    attempts.sign_in(session, ticket, JANE, successor(ticket), at=NOON)
    ticket = successor(ticket)
    states.append(_state(session, ticket))
    code = confirm(session, ticket)
    states.append(_state(session, ticket))
    comes_back(session, code)
    states.append(_state(session, ticket))

    assert ["open", "signed_in", "confirmed", "linked"] == states


def test_two_attempts_with_the_same_token_know_nothing_of_each_other(session: Session) -> None:
    """Two tabs are two attempts, until one is confirmed."""
    first, second = opened(session, token="T"), opened(session, token="T")

    attempts.cancel(session, first, at=NOON)

    assert first.attempt_id != second.attempt_id
    assert "open" == _state(session, second)


@pytest.mark.parametrize(
    ("passed", "state"),
    [
        pytest.param(timedelta(0), "open", id="at once"),
        pytest.param(LIFE - SECOND, "open", id="in the last second"),
        pytest.param(LIFE, "expired", id="after five minutes"),
        pytest.param(-LIFE + SECOND, "open", id="clock a little back"),
        pytest.param(-LIFE, "expired", id="clock five minutes back"),
        pytest.param(-timedelta(days=365), "expired", id="clock a year back"),
    ],
)
def test_an_attempt_lives_five_minutes_in_either_direction(
    session: Session, passed: timedelta, state: str
) -> None:
    """A clock that stepped back must not make an attempt live longer."""
    ticket = opened(session)

    assert state == _state(session, ticket, at=NOON + passed)


def test_nothing_can_be_done_in_an_expired_attempt(session: Session) -> None:
    ticket = signed_in(session)
    late = NOON + LIFE

    for step in (
        lambda: attempts.running(session, ticket, at=late),
        lambda: attempts.recognise(session, ticket, recognised(BEN, None), at=late),
        lambda: attempts.sign_in(session, ticket, OMAR, successor(ticket), at=late),
        lambda: attempts.sign_out(session, ticket, successor(ticket), at=late),
        lambda: confirm(session, ticket, at=late),
        lambda: attempts.refuse(session, ticket, "token refused", at=late),
    ):
        with pytest.raises(AttemptExpired):
            step()

    row = session.get_one(Attempt, ticket.attempt_id)
    assert (ANA, JANE.subject, None) == (row.psid, row.subject, row.code_hash)


@pytest.mark.parametrize("ended", ["cancelled", "refused", "linked"])
def test_nothing_can_be_done_in_an_attempt_that_has_ended(session: Session, ended: str) -> None:
    ticket = _ended(session, ended)

    for step in (
        lambda: attempts.recognise(session, ticket, recognised(BEN, None), at=NOON),
        lambda: attempts.sign_in(session, ticket, OMAR, successor(ticket), at=NOON),
        lambda: attempts.sign_out(session, ticket, successor(ticket), at=NOON),
        lambda: confirm(session, ticket),
        lambda: attempts.refuse(session, ticket, "token refused", at=NOON),
    ):
        with pytest.raises(AttemptOver):
            step()

    assert ended == _state(session, ticket)


def test_a_ticket_with_another_secret_is_unknown(session: Session) -> None:
    """R27: the id stands in addresses; the secret is what a browser must hold."""
    ticket = signed_in(session)
    forged = Ticket(ticket.attempt_id, opened(session).secret)

    for step in (
        lambda: status_of(session, forged, at=NOON),
        lambda: attempts.sign_in(session, forged, OMAR, successor(forged), at=NOON),
        lambda: confirm(session, forged),
        lambda: attempts.cancel(session, forged, at=NOON),
    ):
        with pytest.raises(AttemptUnknown):
            step()

    assert "signed_in" == _state(session, ticket)


def test_an_unknown_attempt_is_unknown(session: Session) -> None:
    with pytest.raises(AttemptUnknown):
        status_of(session, Ticket("nobody's", "secret"), at=NOON)


def test_the_first_answer_of_messenger_stands(session: Session) -> None:
    """Two sign-ins at once both ask Graph; a second answer must not change whose attempt it is."""
    ticket = opened(session)
    attempts.recognise(session, ticket, recognised(ANA, "Ana Berg"), at=NOON)

    attempts.recognise(session, ticket, recognised(BEN, "Ben Okafor"), at=NOON)

    status = status_of(session, ticket, at=NOON)
    assert (ANA, "Ana Berg") == (status.psid, status.messenger_name)


def test_nobody_confirms_without_having_signed_in(session: Session) -> None:
    ticket = opened(session)
    attempts.recognise(session, ticket, recognised(ANA, "Ana Berg"), at=NOON)

    with pytest.raises(NotSignedIn):
        confirm(session, ticket)

    assert session.get_one(Attempt, ticket.attempt_id).code_hash is None


def test_nobody_confirms_before_messenger_has_said_who_it_is(session: Session) -> None:
    """R31: a code is bound to a PSID, so there is none without one."""
    ticket = opened(session)
    attempts.sign_in(session, ticket, JANE, successor(ticket), at=NOON)

    with pytest.raises(NotSignedIn):
        confirm(session, successor(ticket))

    assert session.get_one(Attempt, ticket.attempt_id).code_hash is None


def test_after_not_you_somebody_else_may_sign_in(session: Session) -> None:
    ticket = signed_in(session, as_=JANE)
    signed_out = successor(ticket)
    again = successor(signed_out)

    attempts.sign_out(session, ticket, signed_out, at=NOON)
    between = _state(session, signed_out)
    attempts.sign_in(session, signed_out, OMAR, again, at=NOON)
    confirm(session, again)

    row = session.get_one(Attempt, ticket.attempt_id)
    assert ("open", OMAR.subject, OMAR.display_name) == (between, row.subject, row.display_name)


def test_whoever_confirmed_cannot_become_somebody_else(session: Session) -> None:
    ticket = signed_in(session, as_=JANE)
    confirm(session, ticket)

    with pytest.raises(AttemptOver):
        attempts.sign_in(session, ticket, OMAR, successor(ticket), at=NOON)
    with pytest.raises(AttemptOver):
        attempts.sign_out(session, ticket, successor(ticket), at=NOON)

    assert JANE.subject == session.get_one(Attempt, ticket.attempt_id).subject


def test_a_second_confirm_gets_the_same_code_and_changes_nothing(session: Session) -> None:
    """A double click, or a repeat after a lost answer."""
    ticket = signed_in(session)
    first = confirm(session, ticket)

    again = confirm(session, ticket, at=NOON + LIFE + MINUTE)

    row = session.get_one(Attempt, ticket.attempt_id)
    assert first == again
    assert row.confirmed_at == NOON


def test_a_second_confirm_is_not_counted_as_a_link_too_many(session: Session) -> None:
    ticket = signed_in(session)
    first = confirm(session, ticket, max_links=1)
    linked(session, psid=BEN)

    assert first == confirm(session, ticket, max_links=1)


def test_a_token_is_good_for_one_confirmation(session: Session) -> None:
    """R13: with a copied address, somebody else gets no code."""
    first = signed_in(session, token="T")
    second = signed_in(session, token="T", as_=OMAR)
    confirm(session, first)

    with pytest.raises(TokenSpent):
        confirm(session, second)

    assert status_of(session, second, at=NOON).token_spent
    assert not status_of(session, first, at=NOON).token_spent
    assert session.get_one(Attempt, second.attempt_id).code_hash is None


@pytest.mark.parametrize("ended", ["linked", "burnt"])
def test_a_spent_token_stays_spent_when_its_attempt_has_ended(session: Session, ended: str) -> None:
    code = confirm(session, signed_in(session, token="T"))
    comes_back(session, code, psid=ANA if ended == "linked" else BEN)
    later = opened(session, token="T")

    with pytest.raises(TokenSpent):
        attempts.running(session, later, at=NOON)


def test_a_cancelled_attempt_leaves_its_token_to_others(session: Session) -> None:
    """The person taps Back, and then Log In in the same message again."""
    attempts.cancel(session, signed_in(session, token="T"), at=NOON)

    assert confirm(session, signed_in(session, token="T"))


def test_a_user_has_no_more_links_than_the_operator_allows(session: Session) -> None:
    linked(session, psid=ANA)
    linked(session, psid=ANA, page_id=OTHER_PAGE)
    ticket = signed_in(session, psid=BEN)

    with pytest.raises(TooManyLinks):
        confirm(session, ticket, max_links=2)

    assert session.get_one(Attempt, ticket.attempt_id).confirmed_at is None
    assert confirm(session, ticket, max_links=3)


def test_linking_the_same_profile_again_is_not_one_more(session: Session) -> None:
    linked(session, psid=ANA)

    assert confirm(session, signed_in(session, psid=ANA), max_links=1)


def test_links_of_other_users_and_ended_ones_are_not_counted(session: Session) -> None:
    linked(session, psid=ANA, as_=OMAR)
    linked(session, psid=BEN).state = "ended"

    assert confirm(session, signed_in(session, psid=ANA), max_links=1)


def test_cancel_after_confirm_does_not_take_the_code_back(session: Session) -> None:
    ticket = signed_in(session)
    code = confirm(session, ticket)

    attempts.cancel(session, ticket, at=NOON)

    assert "confirmed" == _state(session, ticket)
    assert code == confirm(session, ticket)


def test_cancel_of_an_expired_attempt_leaves_it_expired(session: Session) -> None:
    ticket = opened(session)

    attempts.cancel(session, ticket, at=NOON + LIFE)

    assert "expired" == _state(session, ticket, at=NOON + LIFE)


@pytest.mark.parametrize("ended", ["cancelled", "refused", "linked", "void", "burnt", "guessed"])
def test_the_name_is_forgotten_when_the_attempt_has_ended(session: Session, ended: str) -> None:
    """R110, R112: with the picture's address, and the memo of a provider."""
    ticket = _ended(session, ended)

    attempt = session.get_one(Attempt, ticket.attempt_id)
    assert (None,) * 3 == (attempt.messenger_name, attempt.picture_url, attempt.memo)


def test_a_closed_account_voids_its_attempts_and_nobody_elses(session: Session) -> None:
    going_on, with_code = signed_in(session), signed_in(session)
    confirm(session, with_code)
    cancelled, others = signed_in(session), signed_in(session, as_=OMAR)
    attempts.cancel(session, cancelled, at=NOON)

    void_of_user(session, user(JANE), ACCOUNT_CLOSED, at=NOON)

    states = [_state(session, t) for t in (going_on, with_code, cancelled, others)]
    assert ["refused", "refused", "cancelled", "signed_in"] == states


@pytest.mark.parametrize(
    ("passed", "is_dead"),
    [pytest.param(CODE_LIFE, False, id="ten minutes"), pytest.param(CODE_LIFE + SECOND, True)],
)
def test_a_code_that_never_came_back_is_told_dead(
    session: Session, passed: timedelta, *, is_dead: bool
) -> None:
    ticket = signed_in(session)
    confirm(session, ticket)

    assert is_dead == status_of(session, ticket, at=NOON + passed).code_is_dead


@pytest.mark.parametrize(
    ("before", "replaces"),
    [(None, False), (JANE, False), (OMAR, True)],
    ids=["none", "own", "another's"],
)
def test_whoever_would_take_a_profile_from_another_account_is_told(
    session: Session, before: object, *, replaces: bool
) -> None:
    if before is not None:
        linked(session, psid=ANA, as_=JANE if before is JANE else OMAR)
    ticket = signed_in(session, psid=ANA, as_=JANE)

    assert replaces == status_of(session, ticket, at=NOON).replaces


def test_references_are_easy_to_read_aloud(session: Session) -> None:
    for _ in range(50):
        opened(session)
    session.flush()

    letters = set("".join(session.scalars(select(Attempt.reference))))
    assert letters <= set("0123456789abcdefghjkmnpqrstvwxyz-")


def _state(session: Session, ticket: Ticket, *, at: datetime = NOON) -> str:
    return status_of(session, ticket, at=at).state


def _ended(session: Session, how: str) -> Ticket:
    ticket = signed_in(session)
    provider_visits.depart(session, ticket, "memo", at=NOON)
    match how:
        case "cancelled":
            attempts.cancel(session, ticket, at=NOON)
        case "refused":
            attempts.refuse(session, ticket, "token refused", at=NOON)
        case "void":
            void_of_user(session, user(JANE), ACCOUNT_CLOSED, at=NOON)
            session.expire_all()
        case "guessed":
            for _ in range(chat_code.MOST_TRIED):
                chat_code.match(session, ticket, "wrong", at=NOON)
        case _:
            code = confirm(session, ticket)
            comes_back(session, code, psid=BEN if how == "burnt" else ANA)
    return ticket


@pytest.mark.parametrize("outcome", NameOutcome)
def test_what_came_of_the_name_is_kept(session: Session, outcome: NameOutcome) -> None:
    ticket = opened(session)
    before = status_of(session, ticket, at=NOON).name_outcome

    attempts.recognise(session, ticket, Recognised(ANA, None, outcome), at=NOON)

    assert (None, outcome) == (before, status_of(session, ticket, at=NOON).name_outcome)


@pytest.mark.parametrize(
    ("name", "outcome"), [("Ana Berg", NameOutcome.NAMED), (None, NameOutcome.WITHHELD)]
)
def test_of_a_row_of_an_older_version_the_name_decides(
    session: Session, name: str | None, outcome: NameOutcome
) -> None:
    """It may still run beside this one, and writes no outcome."""
    ticket = opened(session)
    attempts.recognise(session, ticket, recognised(ANA, name), at=NOON)
    session.execute(update(Attempt).values(name_outcome=None))
    session.expire_all()

    assert outcome is status_of(session, ticket, at=NOON).name_outcome


def test_a_messenger_name_is_kept_as_it_may_be_shown(session: Session) -> None:
    """R17, R82: notices, the API and terminals take it from here."""
    bent, unseen = opened(session), opened(session)

    attempts.recognise(session, bent, recognised(ANA, "\u202egreB anA\x1b[2J"), at=NOON)
    attempts.recognise(session, unseen, recognised(ANA, "\u200b\u2060"), at=NOON)

    assert "greB anA[2J" == status_of(session, bent, at=NOON).messenger_name
    assert status_of(session, unseen, at=NOON).messenger_name is None
