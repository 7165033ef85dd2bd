"""Turns each fault on, before our server and before a program of others, and looks what they do."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from tests.fidelity.faults import ours as our_server
from tests.fidelity.faults.foreign import Foreign
from tests.fidelity.faults.rows import Row, Side
from tests.fidelity.faults.table import ROWS
from threadlink_testing import Messenger, running


@dataclass(frozen=True, slots=True)
class Seen:
    """What one side did under a fault, and whether it is what the table has."""

    row: Row
    side: Side
    came: str

    @property
    def is_expected(self) -> bool:
        return self.side.does in self.came


def look(*only: str) -> Iterator[tuple[Seen, Seen]]:
    """Yield for each fault, or for those named, what our server did and what the other did."""
    rows = [row for row in ROWS if not only or row.fault in only]
    # One person for each fault: nobody's present state is another one's past.
    people = [word for row in rows for word in ("--person", row.fault)]
    with (
        running(people) as messenger,
        our_server.running(messenger) as ours,
        ExitStack() as stack,
    ):
        foreign = Foreign(messenger, stack)
        for row in rows:
            yield _with_ours(row, messenger, ours), _with_foreign(row, messenger, foreign)


def _with_ours(row: Row, messenger: Messenger, ours: our_server.Ours) -> Seen:
    messenger.reset()
    ours.aim()
    person = messenger.person(row.fault)
    _turn_on(row, messenger)
    situation: Callable[..., str] = getattr(ours, row.ours.situation)
    came = situation(person)
    if row.minutes:
        _let_pass(row, messenger)
        came = f"{came}; later: {ours.stands(person)}"
    return Seen(row, row.ours, came)


def _with_foreign(row: Row, messenger: Messenger, foreign: Foreign) -> Seen:
    messenger.reset()
    name, person = row.foreign.program, messenger.person(row.fault)
    situation: Callable[..., str] | None = getattr(foreign, row.foreign.situation, None)
    foreign.aim(name, is_called=situation is None)
    if situation is None:
        came = foreign.calls(name, person, row.foreign.situation, row.fault)
        return Seen(row, row.foreign, came)
    _turn_on(row, messenger)
    came = situation(name, person)
    if row.minutes:
        _let_pass(row, messenger)
        came = f"{came}; later: {foreign.heard(name)}"
    return Seen(row, row.foreign, came)


def _turn_on(row: Row, messenger: Messenger) -> None:
    messenger.turn_on(row.fault, row.times)
    for other in row.beside:
        messenger.turn_on(other)


def _let_pass(row: Row, messenger: Messenger) -> None:
    messenger.turn_off(row.fault)
    messenger.advance(timedelta(minutes=row.minutes))
