"""Turns each fault on for our server and for a program of others, and compares the results."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from tests.fidelity.faults import threadlink_server
from tests.fidelity.faults.other_programs import OtherPrograms
from tests.fidelity.faults.rows import Row, Side
from tests.fidelity.faults.table import ROWS
from threadlink_testing import Messenger, running


@dataclass(frozen=True, slots=True)
class Observation:
    """The result of one side under a fault."""

    row: Row
    side: Side
    result: str

    @property
    def is_expected(self) -> bool:
        """True if the result contains the words of the table."""
        return self.side.does in self.result


def run_faults(*only: str) -> Iterator[tuple[Observation, Observation]]:
    """Yield, for each fault or for those named, the results of our server and of the other."""
    rows = [row for row in ROWS if not only or row.fault in only]
    # One person for each fault, so that no fault sees the state of another.
    people = [word for row in rows for word in ("--person", row.fault)]
    with (
        running(people) as messenger,
        threadlink_server.running(messenger) as server,
        ExitStack() as stack,
    ):
        foreign = OtherPrograms(messenger, stack)
        for row in rows:
            yield _with_ours(row, messenger, server), _with_foreign(row, messenger, foreign)


def _with_ours(
    row: Row, messenger: Messenger, server: threadlink_server.ThreadlinkServer
) -> Observation:
    messenger.reset()
    server.connect()
    person = messenger.person(row.fault)
    _turn_on(row, messenger)
    situation: Callable[..., str] = getattr(server, row.ours.situation)
    result = situation(person)
    if row.minutes:
        _let_pass(row, messenger)
        result = f"{result}; later: {server.link_of(person)}"
    return Observation(row, row.ours, result)


def _with_foreign(row: Row, messenger: Messenger, foreign: OtherPrograms) -> Observation:
    messenger.reset()
    name, person = row.foreign.program, messenger.person(row.fault)
    situation: Callable[..., str] | None = getattr(foreign, row.foreign.situation, None)
    foreign.connect(name, is_called=situation is None)
    if situation is None:
        result = foreign.calls(name, person, row.foreign.situation, row.fault, *row.beside)
        return Observation(row, row.foreign, result)
    _turn_on(row, messenger)
    result = situation(name, person)
    if row.minutes:
        _let_pass(row, messenger)
        result = f"{result}; later: {foreign.heard(name)}"
    return Observation(row, row.foreign, result)


def _turn_on(row: Row, messenger: Messenger) -> None:
    messenger.turn_on(row.fault, row.times)
    for other in row.beside:
        messenger.turn_on(other)


def _let_pass(row: Row, messenger: Messenger) -> None:
    messenger.turn_off(row.fault)
    messenger.advance(timedelta(minutes=row.minutes))
