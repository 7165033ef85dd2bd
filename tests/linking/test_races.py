"""Races: what may happen once is decided by the database (R33, R118)."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import URL, func, select
from sqlalchemy.orm import Session

from app.infra.database.engine import make_engine
from app.infra.database.writer import NotCommitted, Writer
from app.infra.settings.database_url import database_url
from app.linking import attempts, handlers, link_queries, links
from app.linking.attempt_status import status_of
from app.linking.errors import AttemptOver, TokenSpent
from app.linking.handlers import Policy
from app.linking.models import Attempt, Link, LinkEvent
from app.linking.values import Made, Refused, Ticket
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import Psid
from app.outbox.models import OutboxRow
from tests.installation import ANA, BEN, NOON, PAGE
from tests.linking.factories import CODE_KEY, JANE, OMAR, SECOND, confirmed, linked, signed_in

T = TypeVar("T")

POLICY = Policy(frozenset({PAGE}), tells_bot=False)
MANY = 20
PROCESSES = 4
DELIVERIES = 200


@pytest.fixture
def writer(database: URL) -> Iterator[Writer]:
    engine = make_engine(database, pool_size=MANY)
    yield Writer(engine)
    engine.dispose()


def test_twenty_deliveries_of_one_code_make_one_link(writer: Writer) -> None:
    """R33, R118."""
    code = writer.write(confirmed)
    event = AccountLinked(PAGE, ANA, NOON, code)

    outcomes = _at_once(lambda _: writer.write(links.redeem, event, at=NOON))

    assert 1 == sum(isinstance(outcome, Made) for outcome in outcomes)
    assert MANY - 1 == outcomes.count(None)
    assert (1, 1) == (_count(writer, Link), _count(writer, LinkEvent))


def test_two_hundred_deliveries_in_several_processes_make_one_link(
    database: URL, writer: Writer
) -> None:
    """R33: as several workers would take them in, each with connections of its own."""
    code = writer.write(confirmed)
    # One process imports this module; the others are its copies.
    processes = get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    together, made = processes.Barrier(PROCESSES), processes.SimpleQueue()
    given = (database.render_as_string(hide_password=False), code, together, made)
    workers = [processes.Process(target=_redeem_often, args=given) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert [0] * PROCESSES == [worker.exitcode for worker in workers]
    assert 1 == sum(made.get() for _ in workers)
    assert (1, 1) == (_count(writer, Link), _count(writer, LinkEvent))
    assert 1 == writer.read(_version)


def test_of_the_owner_and_nineteen_thieves_one_spends_the_code(writer: Writer) -> None:
    """R32, R33: whoever comes first, nobody but the owner can be linked."""
    code = writer.write(confirmed, psid=ANA)
    people = [ANA, *(Psid(str(number)) for number in range(1, MANY))]

    outcomes = _at_once(
        lambda number: writer.write(
            links.redeem, AccountLinked(PAGE, people[number], NOON, code), at=NOON
        )
    )

    won = [isinstance(outcome, Made) for outcome in outcomes]
    assert won[1:] == [False] * (MANY - 1)
    assert won[0] == (writer.read(link_queries.find_link, PAGE, ANA) is not None)
    assert _count(writer, Link) == won[0]


def test_twenty_first_links_of_one_person_are_one_row(writer: Writer) -> None:
    """R118: two who make the same row first: an upsert, not an error."""
    users = [JANE, OMAR] * (MANY // 2)
    codes = [writer.write(confirmed, as_=user) for user in users]

    outcomes = _at_once(
        lambda number: writer.write(
            links.redeem,
            AccountLinked(PAGE, ANA, NOON + number * SECOND, codes[number]),
            at=NOON + timedelta(minutes=1),
        )
    )

    made = [outcome for outcome in outcomes if isinstance(outcome, Made)]
    standing = writer.read(link_queries.find_link, PAGE, ANA)
    assert standing is not None
    assert standing.event_at == NOON + (MANY - 1) * SECOND
    assert len(made) == standing.version
    assert not any(isinstance(outcome, Refused) for outcome in outcomes)


def test_a_link_and_its_end_at_once_leave_what_came_last(writer: Writer) -> None:
    """R35: by the time of the event, whichever is committed first."""
    code = writer.write(confirmed)
    linked_, ended = AccountLinked(PAGE, ANA, NOON, code), AccountUnlinked(PAGE, ANA, NOON + SECOND)

    _at_once(
        lambda number: (
            writer.write(links.redeem, linked_, at=NOON)
            if number % 2
            else writer.write(links.end_by_event, ended, at=NOON)
        )
    )

    assert writer.read(link_queries.find_link, PAGE, ANA) is None
    assert ["linked", "unlinked"] == sorted(writer.read(_statuses))


def test_twenty_confirmations_of_one_attempt_get_one_code(writer: Writer) -> None:
    """R118: a double click."""
    ticket = writer.write(signed_in)

    codes = _at_once(lambda _: _confirm(writer, ticket))

    assert 1 == len(set(codes))
    assert isinstance(codes[0], str)


def test_of_twenty_attempts_with_one_token_one_is_confirmed(writer: Writer) -> None:
    """R13."""
    tickets = [writer.write(signed_in, token="T") for _ in range(MANY)]

    outcomes = _at_once(lambda number: _confirm(writer, tickets[number]))

    assert 1 == sum(isinstance(outcome, str) for outcome in outcomes)
    assert MANY - 1 == sum(isinstance(outcome, TokenSpent) for outcome in outcomes)


def test_cancel_and_confirm_at_once_agree_on_one(writer: Writer) -> None:
    ticket = writer.write(signed_in)

    outcomes = _at_once(
        lambda number: (
            _confirm(writer, ticket)
            if number % 2
            else writer.write(attempts.cancel, ticket, at=NOON)
        )
    )

    was_confirmed = any(isinstance(outcome, str) for outcome in outcomes)
    was_refused = any(isinstance(outcome, AttemptOver) for outcome in outcomes)
    assert was_confirmed != was_refused
    state = writer.read(status_of, ticket, at=NOON).state
    assert ("confirmed" if was_confirmed else "cancelled") == state


def test_twenty_ends_by_us_end_once_and_tell_messenger_once(writer: Writer) -> None:
    writer.write(_link)

    outcomes = _at_once(
        lambda _: writer.write(
            handlers.end_one, PAGE, ANA, policy=POLICY, cause="operator", at=NOON
        )
    )

    assert 1 == sum(len(outcome.links) for outcome in outcomes)
    assert 1 == _count(writer, OutboxRow)


def test_twenty_copies_of_an_end_leave_one_row_of_history(writer: Writer) -> None:
    """R36, R37: also where there is nothing to end."""
    event = AccountUnlinked(PAGE, BEN, NOON)

    _at_once(lambda _: writer.write(links.end_by_event, event, at=NOON))

    assert (1, 1) == (_count(writer, Link), _count(writer, LinkEvent))


def _at_once(act: Callable[[int], T]) -> Sequence[T]:
    """Return what *act* gave to each of twenty threads that began together."""
    barrier = threading.Barrier(MANY)

    def begin(number: int) -> T:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(begin, range(MANY)))


def _confirm(writer: Writer, ticket: Ticket) -> str | TokenSpent | AttemptOver:
    try:
        return writer.write(attempts.confirm, ticket, code_key=CODE_KEY, max_links=5, at=NOON)
    except (TokenSpent, AttemptOver) as exc:
        return exc


def _redeem_often(address: str, code: str, together: Barrier, made: "SimpleQueue[int]") -> None:
    """Put how many of our share of the deliveries made a link; runs in a process of its own."""
    engine = make_engine(database_url(address))
    writer = Writer(engine)
    event = AccountLinked(PAGE, ANA, NOON, code)
    together.wait(timeout=60)
    outcomes = [_delivered(writer, event) for _ in range(DELIVERIES // PROCESSES)]
    engine.dispose()
    made.put(sum(isinstance(outcome, Made) for outcome in outcomes))


def _delivered(writer: Writer, event: AccountLinked) -> Made | Refused | None:
    """Deliver as Messenger does: whoever is answered 503 comes again."""
    while True:
        with suppress(NotCommitted):
            return writer.write(links.redeem, event, at=NOON)


def _link(session: Session) -> None:
    linked(session)


def _version(session: Session) -> int | None:
    return session.scalar(select(Link.version))


def _statuses(session: Session) -> list[str]:
    return list(session.scalars(select(LinkEvent.status)))


def _count(writer: Writer, table: type[Link | LinkEvent | Attempt | OutboxRow]) -> int:
    query = select(func.count()).select_from(table)
    return writer.read(lambda session: session.scalar(query)) or 0
