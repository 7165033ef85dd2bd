"""What a row of the table says of one fault."""

from dataclasses import dataclass
from typing import Final

_IN: Final = "200 You\N{RIGHT SINGLE QUOTATION MARK}re logged in"
# How it ends when all is well.
LINKED: Final = f"{_IN}; linked 200; linked, version 1"
LINKED_BY_TWO: Final = f"{_IN}; linked 200, linked 200; linked, version 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A situation to put a program into, and words that must be in what it then did."""

    situation: str
    does: str
    # Of others: its name. For a client the situation is the call that it makes.
    program: str = "Threadlink"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault on both sides, and the reason for what is expected there."""

    fault: str
    ours: Side
    foreign: Side
    why: str
    # Faults that must be on as well for this one to be seen, and how often this one happens.
    beside: tuple[str, ...] = ()
    times: int | None = None
    # Then the fault is turned off, and so many minutes pass before the second look.
    minutes: int = 0


def ours(does: str, situation: str = "links") -> Side:
    return Side(situation=situation, does=does)


def bot(program: str, does: str, situation: str = "hears") -> Side:
    return Side(program=program, situation=situation, does=does)


def client(program: str, call: str, does: str) -> Side:
    return Side(program=program, situation=call, does=does)
