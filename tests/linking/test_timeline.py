from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app.linking import attempts, links, timeline
from app.linking.attempt_status import LIFE, status_of
from app.linking.timeline import PATIENCE, Timeline
from app.linking.values import Ticket
from tests.installation import ANA, BEN, NOON
from tests.linking.factories import JANE, SECOND, comes_back, confirm, opened, signed_in


def _open(session: Session) -> Ticket:
    return opened(session)


def _refused_sign_ins(session: Session) -> Ticket:
    ticket = opened(session)
    attempts.recognise(session, ticket, ANA, "Ana Berg", at=NOON)
    return ticket


def _cancelled(session: Session) -> Ticket:
    ticket = signed_in(session)
    attempts.cancel(session, ticket, at=NOON)
    return ticket


def _confirmed(session: Session) -> Ticket:
    ticket = signed_in(session)
    confirm(session, ticket)
    return ticket


def _linked(session: Session) -> Ticket:
    ticket = signed_in(session)
    comes_back(session, confirm(session, ticket))
    return ticket


def _stolen(session: Session) -> Ticket:
    ticket = signed_in(session)
    comes_back(session, confirm(session, ticket), psid=BEN)
    return ticket


def _unusable(session: Session) -> Ticket:
    ticket = signed_in(session)
    links.burn(session, confirm(session, ticket), "time", at=NOON)
    return ticket


def _brought_by_a_log_out(session: Session) -> Ticket:
    ticket = signed_in(session)
    links.burn(session, confirm(session, ticket), "unlinked", at=NOON)
    return ticket


def _token_refused(session: Session) -> Ticket:
    ticket = opened(session)
    attempts.refuse(session, ticket, "token refused", at=NOON)
    return ticket


@pytest.mark.parametrize(
    ("lived", "after", "says"),
    [
        pytest.param(_open, timedelta(0), "No sign-in has been tried", id="open"),
        pytest.param(_refused_sign_ins, timedelta(0), "sign-in so far was refused", id="refused"),
        pytest.param(signed_in, timedelta(0), "not confirmed or cancelled yet", id="signed in"),
        pytest.param(_open, LIFE, "Not finished within 5 minutes", id="expired"),
        pytest.param(_cancelled, timedelta(0), "cancelled", id="cancelled"),
        pytest.param(_token_refused, timedelta(0), "did not know the account", id="token"),
        pytest.param(_confirmed, PATIENCE, "Waiting for Messenger", id="confirmed"),
        pytest.param(_confirmed, PATIENCE + SECOND, "no delivery of any kind", id="silence"),
        pytest.param(_linked, timedelta(days=1), "Linked", id="linked"),
        pytest.param(_stolen, timedelta(0), "Another Messenger person", id="stolen"),
        pytest.param(_unusable, timedelta(0), "not usable (time)", id="unusable"),
        pytest.param(_brought_by_a_log_out, timedelta(0), "with a log-out", id="log-out"),
    ],
)
def test_the_story_says_what_became_of_an_attempt(
    session: Session, lived: Callable[[Session], Ticket], after: timedelta, says: str
) -> None:
    ticket = lived(session)

    assert says in _told(session, ticket, at=NOON + after).conclusion


def test_the_story_tells_each_step_in_order(session: Session) -> None:
    told = _told(session, _linked(session))

    words = [step.words for step in told.steps]
    assert [
        "opened",
        f"signed in as {JANE.display_name} (local)",
        "confirmed, sent back to Messenger with a code",
        "linked",
    ] == words


def test_nothing_is_told_of_an_unknown_reference(session: Session) -> None:
    assert timeline.timeline_of(session, "0000-0000", at=NOON) is None


def test_the_story_gives_nothing_away_that_could_be_used(session: Session) -> None:
    """R29: an operator pastes it into a ticket."""
    ticket = signed_in(session, token="ARRtokenofana")
    code = confirm(session, ticket)

    told = str(_told(session, ticket))

    for secret in (code, ticket.secret, "ARRtokenofana"):
        assert secret not in told


def _told(session: Session, ticket: Ticket, *, at: datetime = NOON) -> Timeline:
    reference = status_of(session, ticket, at=at).reference
    told = timeline.timeline_of(session, reference, at=at)
    assert told is not None
    return told
