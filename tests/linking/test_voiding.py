"""What the business ends stays ended: also a link that Messenger has not brought yet."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Final

import pytest
from sqlalchemy import URL, select, text
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.identity import Identity
from app.infra.database.engine import make_engine
from app.infra.database.writer import Writer
from app.linking import account_changes, attempts, handlers, link_queries, timeline
from app.linking.attempt_status import LIFE, status_of
from app.linking.errors import AttemptOver
from app.linking.handlers import Policy
from app.linking.models import Attempt
from app.linking.values import Endings, Outcome, Refused, Ticket
from app.messenger.events import AccountLinked
from app.outbox.models import OutboxRow
from tests.conftest import on_sqlite
from tests.installation import ANA, BEN, NOON, OTHER_PAGE, PAGE
from tests.linking.factories import (
    CODE_KEY,
    JANE,
    MINUTE,
    OMAR,
    SECOND,
    confirm,
    confirmed,
    linked,
    opened,
    signed_in,
    user,
)

POLICY: Final = Policy(frozenset({PAGE, OTHER_PAGE}), tells_bot=True)
# Messenger repeats for as long what a server did not take.
REPEATED: Final = timedelta(hours=36)
ROUNDS: Final = 12

USERS: Final = [
    pytest.param(JANE, id="local"),
    pytest.param(Identity("https://login.example.org", "jane", "j•••"), id="oidc"),
    pytest.param(Identity("http:shop", "jane", "j•••"), id="http"),
    pytest.param(Identity("ldap:staff", "jane", "j•••"), id="ldap"),
]


def _end_of_the_user(session: Session, identity: Identity = JANE) -> Endings:
    return handlers.end_all(session, user(identity), cause="api", policy=POLICY, at=NOON)


def _end_of_the_person(session: Session, identity: Identity = JANE) -> Endings:
    del identity
    return handlers.end_one(session, PAGE, ANA, cause="api", policy=POLICY, at=NOON)


ENDS: Final = [
    pytest.param(_end_of_the_user, id="of the user"),
    pytest.param(_end_of_the_person, id="of the person"),
]
End = Callable[..., Endings]


@pytest.mark.parametrize("late", [timedelta(0), MINUTE, REPEATED], ids=str)
@pytest.mark.parametrize("identity", USERS)
@pytest.mark.parametrize("end", ENDS)
def test_an_event_that_comes_after_an_end_makes_no_link(
    session: Session, end: End, identity: Identity, late: timedelta
) -> None:
    """R25: the person had confirmed, and Messenger was on its way."""
    code = confirmed(session, as_=identity)

    ended = end(session, identity)
    outcome = _arrives(session, code, late=late)
    again = _arrives(session, code, late=late)

    assert (0, 1) == (len(ended.links), ended.attempts)
    assert Refused("ended by us", user(identity), _reference(session)) == outcome
    assert again is None
    assert link_queries.find_link(session, PAGE, ANA) is None
    # The bot hears of no link; Messenger is told to show Log In again.
    assert [b"link.refused"] == _notices(session)
    assert 1 == _told(session, "graph.unlink")


@pytest.mark.parametrize("identity", USERS)
@pytest.mark.parametrize("end", ENDS)
def test_a_person_who_has_signed_in_cannot_go_on_after_an_end(
    session: Session, end: End, identity: Identity
) -> None:
    ticket = signed_in(session, as_=identity)

    ended = end(session, identity)
    session.expire_all()

    assert 1 == ended.attempts
    with pytest.raises(AttemptOver):
        attempts.confirm(session, ticket, code_key=CODE_KEY, max_links=5, at=NOON)


@pytest.mark.parametrize("end", ENDS)
def test_a_sign_in_after_the_end_makes_a_link(session: Session, end: End) -> None:
    """In the same moment even: an end is no lock."""
    confirmed(session)
    end(session)

    assert "linked" == linked(session).state


@pytest.mark.parametrize("end", ENDS)
def test_what_is_ended_twice_ends_once(session: Session, end: End) -> None:
    """R95."""
    linked(session)
    confirmed(session)

    first, again = end(session), end(session)

    assert (1, 1) == (len(first.links), first.attempts)
    assert not again
    assert [b"link.removed"] == _notices(session)


@pytest.mark.parametrize("end", ENDS)
def test_an_end_leaves_everybody_else_alone(session: Session, end: End) -> None:
    others = signed_in(session, psid=BEN, as_=OMAR)
    same_subject = signed_in(session, psid=BEN, as_=Identity("http:shop", JANE.subject, "j"))

    end(session)
    session.expire_all()

    assert {"signed_in"} == {
        status_of(session, ticket, at=NOON).state for ticket in (others, same_subject)
    }


def test_an_end_of_a_user_on_one_page_leaves_the_other(session: Session) -> None:
    """A key of one page ends what is on that page (R93)."""
    here, there = signed_in(session), signed_in(session, page_id=OTHER_PAGE)

    ended = handlers.end_all(session, user(JANE), cause="api", policy=POLICY, page=PAGE, at=NOON)
    session.expire_all()

    assert 1 == ended.attempts
    states = [status_of(session, ticket, at=NOON).state for ticket in (here, there)]
    assert ["refused", "signed_in"] == states


def test_the_end_of_a_user_leaves_another_who_signs_in_on_the_same_profile(
    session: Session,
) -> None:
    linked(session, as_=JANE)
    omars = signed_in(session, as_=OMAR, at=NOON)

    _end_of_the_user(session)
    session.expire_all()

    assert "signed_in" == status_of(session, omars, at=NOON).state


@pytest.mark.parametrize("end", ENDS)
def test_the_timeline_says_who_ended_the_attempt(session: Session, end: End) -> None:
    confirmed(session)

    end(session)
    session.expire_all()

    told = timeline.timeline_of(session, _reference(session), at=NOON + MINUTE)
    assert told is not None
    assert "refused" == told.state
    assert "ended_by_us" == told.conclusion.cause.slug


def test_a_void_code_in_other_hands_is_reported_as_such(session: Session) -> None:
    """R32: who brings it has stolen it, worthless or not."""
    code = confirmed(session)
    _end_of_the_user(session)

    outcome = handlers.handle(session, AccountLinked(PAGE, BEN, NOON, code), policy=POLICY, at=NOON)

    assert isinstance(outcome, Refused)
    assert "other person" == outcome.reason


def test_attempts_that_are_over_are_not_counted(session: Session) -> None:
    signed_in(session, at=NOON - LIFE)
    cancelled = signed_in(session)
    attempts.cancel(session, cancelled, at=NOON)
    opened(session)

    assert not _end_of_the_user(session)


def test_a_closed_account_says_so(session: Session) -> None:
    """R69: the first reason stays."""
    local.add(session, "jane@example.com", None, "hash", at=NOON)
    account = local.find(session, "jane@example.com")
    assert account is not None
    code = confirmed(session, as_=Identity(local.ISSUER, account.subject, "j"))

    account_changes.close_account(
        session, partial(local.delete, at=NOON), "jane@example.com", policy=POLICY, at=NOON
    )

    outcome = _arrives(session, code)
    assert isinstance(outcome, Refused)
    assert "account closed" == outcome.reason


@pytest.mark.parametrize("number", range(ROUNDS))
def test_the_event_and_the_end_at_once_leave_no_link(writer: Writer, number: int) -> None:
    """R25, R118: whichever is committed first."""
    code = writer.write(confirmed)
    end = _end_of_the_user if number % 2 else _end_of_the_person

    _together(partial(writer.write, _arrives, code), partial(writer.write, end))

    assert writer.read(link_queries.find_link, PAGE, ANA) is None


@pytest.mark.parametrize("number", range(ROUNDS))
def test_connect_and_the_end_at_once_leave_no_link(writer: Writer, number: int) -> None:
    """R25, R118: the person presses Connect while the business ends."""
    ticket = writer.write(signed_in)
    end = _end_of_the_user if number % 2 else _end_of_the_person

    code = _together(partial(_connect, writer, ticket), partial(writer.write, end))[0]

    if code is not None:
        assert isinstance(writer.write(_arrives, str(code)), Refused)
    assert writer.read(link_queries.find_link, PAGE, ANA) is None


@on_sqlite
@pytest.mark.parametrize(
    "columns", ["issuer = 'a' AND subject = 'b'", "page_id = 'a' AND psid = 'b'"]
)
def test_attempts_are_found_by_an_index(writer: Writer, columns: str) -> None:
    """Nobody who writes waits for a look through all attempts."""
    explain = text(f"EXPLAIN QUERY PLAN UPDATE attempt SET reason = '' WHERE {columns}")  # noqa: S608

    plan = writer.read(Session.execute, explain).all()

    assert "USING INDEX ix_attempt" in str(plan)


@pytest.fixture
def writer(database: URL) -> Iterator[Writer]:
    engine = make_engine(database)
    yield Writer(engine)
    engine.dispose()


def _arrives(
    session: Session,
    code: str,
    *,
    late: timedelta = timedelta(0),
) -> Outcome:
    """Handle Messenger's event, whose time is the second after Connect."""
    event = AccountLinked(PAGE, ANA, NOON + SECOND, code)
    return handlers.handle(session, event, policy=POLICY, at=NOON + late)


def _connect(writer: Writer, ticket: Ticket) -> str | None:
    try:
        return writer.write(confirm, ticket)
    except AttemptOver:
        return None


def _together(*acts: Callable[[], object]) -> list[object]:
    barrier = threading.Barrier(len(acts))

    def begin(act: Callable[[], object]) -> object:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(begin, acts))


def _reference(session: Session) -> str:
    return session.scalars(select(Attempt.reference)).one()


def _notices(session: Session) -> list[bytes]:
    rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == "notice"))
    kinds = (b"link.created", b"link.removed", b"link.refused", b"link.replaced")
    return [next(kind for kind in kinds if kind in row.body) for row in rows]


def _told(session: Session, kind: str) -> int:
    return len(session.scalars(select(OutboxRow).where(OutboxRow.kind == kind)).all())
