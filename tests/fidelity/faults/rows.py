"""The rows of the table of faults."""

from dataclasses import dataclass
from typing import Final

_IN: Final = "200 You\N{RIGHT SINGLE QUOTATION MARK}re logged in"
# The result without a failure.
LINKED: Final = f"{_IN}; linked 200; linked, version 1"
LINKED_BY_TWO: Final = f"{_IN}; linked 200, linked 200; linked, version 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A situation for a program, and the words that its result must contain."""

    situation: str
    does: str
    # The name of a program of others; the situation of a client is the call that it makes.
    program: str = "Threadlink"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fault with both sides, and the reason for the expected results."""

    fault: str
    ours: Side
    foreign: Side
    why: str
    # Faults that must also be on to make this one visible, and the occurrences of this one.
    beside: tuple[str, ...] = ()
    times: int | None = None
    # The minutes that pass, with the fault off, before a second look; 0 is no second look.
    minutes: int = 0


def ours(does: str, situation: str = "links") -> Side:
    return Side(situation=situation, does=does)


def bot(program: str, does: str, situation: str = "hears") -> Side:
    return Side(program=program, situation=situation, does=does)


def client(program: str, call: str, does: str) -> Side:
    return Side(program=program, situation=call, does=does)
