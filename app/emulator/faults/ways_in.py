"""The ways by which a person comes from an m.me link: the chat as it is then, and the faults."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class WayIn:
    """A chat that is new or has messages, and the faults that are on when the link is followed."""

    name: str
    title: str
    ends: str
    is_new: bool
    faults: tuple[str, ...] = ()


_ROWS: Final = (
    WayIn(
        "new-chat",
        "New chat",
        "No messages yet: Get Started tells the ref, if the Page has that button.",
        is_new=True,
    ),
    WayIn(
        "open-chat",
        "Chat with messages",
        "The ref is told as soon as the link opens the chat.",
        is_new=False,
    ),
    WayIn(
        "ref-lost",
        "New chat, ref lost",
        "Get Started says nothing of the link: the person types what your page shows beside it.",
        is_new=True,
        faults=("ref-lost",),
    ),
    WayIn(
        "typed",
        "Typed instead",
        "The ref is lost in a chat with messages: the person types what your page shows.",
        is_new=False,
        faults=("ref-lost",),
    ),
)
WAYS_IN: Final = {row.name: row for row in _ROWS}
# What another way has turned on.
FAULTS_OF_WAYS: Final = frozenset(name for row in _ROWS for name in row.faults)
