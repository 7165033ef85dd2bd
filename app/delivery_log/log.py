"""The interface of a delivery log, and what is appended to it."""

from asyncio import AbstractEventLoop
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal, Protocol, TypeAlias, get_args

# Few and fixed, so that each may label a counter.
Reason: TypeAlias = Literal["unreachable", "no stream", "no answer", "refused", "too large"]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)


class NotAppended(Exception):
    """The log has not confirmed an entry in time; whether it holds the entry is unknown.

    The caller may try again: an entry with the same id is kept once.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery, byte for byte, with the headers by which the bot checks it.

    *page_id* is the Page that all of it is about; None if there are several or none. Entries of one
    Page keep their order.
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    page_id: str | None

    @property
    def id(self) -> str:
        """The digest of the body: Messenger repeats a delivery with the same bytes."""
        return sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """The state of a log: *reason* says why it takes nothing, and is None if it does.

    *replicas* is the number of copies of each entry, *current* how many of them are up to date;
    *unread* counts the entries, *largest* is the greatest size of a message in bytes.
    """

    reason: Reason | None = None
    # Why there is no connection, in words for operators.
    why: str = ""
    replicas: int = 0
    current: int = 0
    unread: int = 0
    largest: int = 0


class DeliveryLog(Protocol):
    """A distributed log. Thread-safe; nothing is connected to before `start` or the first use."""

    def start(self, loop: AbstractEventLoop | None = None) -> None:
        """Begin to connect, on the running *loop*, or on a thread of its own; at most once."""

    async def append(self, entry: Entry, *, within: float) -> None:
        """Return once *entry* is in the log, on as many machines as its operator has chosen.

        Raises:
            NotAppended: Not within so many seconds.
        """

    def append_and_wait(self, entry: Entry, *, within: float) -> None:
        """Do the same for a caller in a thread.

        Raises:
            NotAppended: Not within so many seconds.
        """

    def look(self, *, within: float) -> LogState:
        """Return the state of the log, asked for in a thread."""

    def close(self) -> None:
        """Close the connection; what was appended stays."""
