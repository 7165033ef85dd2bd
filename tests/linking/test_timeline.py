"""The timeline of an attempt, as an operator reads it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking import attempts, delivery_counts, links, timeline
from app.linking.attempt_status import LIFE, status_of
from app.linking.models import Attempt
from app.linking.timeline import PATIENCE, Timeline
from app.linking.values import Ticket
from app.services.container import Services
from tests.actors import Graph, Person, log_in
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
def test_the_timeline_says_what_became_of_an_attempt(
    session: Session, lived: Callable[[Session], Ticket], after: timedelta, says: str
) -> None:
    ticket = lived(session)

    assert says in _told(session, ticket, at=NOON + after).conclusion


def test_the_timeline_has_each_step_in_order(session: Session) -> None:
    told = _told(session, _linked(session))

    words = [step.words for step in told.steps]
    assert [
        "opened",
        f"signed in as {JANE.display_name} (local)",
        "confirmed, sent back to Messenger with a code",
        "linked",
    ] == words


def test_an_unknown_reference_has_no_timeline(session: Session) -> None:
    assert timeline.timeline_of(session, "0000-0000", at=NOON) is None


def test_the_timeline_gives_nothing_away_that_could_be_used(session: Session) -> None:
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


@pytest.fixture
def never_confirmed(services: Services, jane: str, graph: Graph, person: Person) -> Attempt:
    """Return an attempt that was sent back with a code."""
    assert jane
    login = log_in()
    graph.knows(login, ANA)
    person.taps_log_in(login)
    person.signs_in()
    person.connects()
    return services.read(lambda session: session.scalars(select(Attempt)).one())


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        pytest.param({}, "no delivery of any kind came", id="nothing came"),
        pytest.param({"refused": 3}, "3 deliveries came meanwhile and were refused", id="refused"),
        pytest.param(
            {"current": 2, "previous": 1, "refused": 1},
            "3 other deliveries came meanwhile (1 were refused",
            id="others came",
        ),
    ],
)
def test_an_overdue_event_is_explained_by_the_deliveries_that_came(
    services: Services,
    never_confirmed: Attempt,
    counts: dict[delivery_counts.Signer, int],
    words: str,
) -> None:
    assert never_confirmed.confirmed_at
    minute = delivery_counts.minute_of(never_confirmed.confirmed_at)
    if counts:
        rows = {(minute, outcome): number for outcome, number in counts.items()}
        services.write(delivery_counts.add, rows)

    later = never_confirmed.confirmed_at + timedelta(minutes=3)
    timeline_ = services.read(timeline.timeline_of, never_confirmed.reference, at=later)

    assert timeline_ is not None
    assert words in timeline_.conclusion


def test_nothing_is_concluded_while_the_event_is_not_overdue(
    services: Services, never_confirmed: Attempt
) -> None:
    assert never_confirmed.confirmed_at

    soon = never_confirmed.confirmed_at + timedelta(minutes=2)
    timeline_ = services.read(timeline.timeline_of, never_confirmed.reference, at=soon)

    assert timeline_ is not None
    assert timeline.CONCLUSIONS["confirmed"] == timeline_.conclusion
