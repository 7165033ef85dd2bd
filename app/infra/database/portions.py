"""Clean-ups in portions: however many rows are concerned, no transaction is long.

SQLite has one writer, and on PostgreSQL one thread of a process commits for all. So what is to be
changed is found by reading, outside of it, and changed a few rows at a time; between two portions
the caller lets others commit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from sqlalchemy.orm import Session

K = TypeVar("K")
R = TypeVar("R")

# Rows in one transaction. With an index whose order is random, each is a page of the disk.
PORTION: Final = 100


class Transactions(Protocol):
    """The part of `Writer` that is needed here."""

    def read(self, query: Callable[[Session], R], /) -> R: ...

    def write(self, use_case: Callable[[Session], R], /) -> R: ...


@dataclass(frozen=True, slots=True)
class Cleanup(Generic[K]):
    """Rows of one table that are to be changed or deleted, by their keys.

    *find* returns the next *portion* keys by an index, given the last key of the portion before.
    *change* is a use case: it may run twice, and checks again what may have changed since they
    were found. It returns how many rows it has changed.
    """

    find: Callable[[Session, K | None], Sequence[K]]
    change: Callable[[Session, Sequence[K]], int]
    portion: int = PORTION


def in_portions(store: Transactions, *cleanups: Cleanup[K]) -> Iterator[int]:
    """Run *cleanups* one after the other; yield after each portion how many rows it changed."""
    for cleanup in cleanups:
        yield from _in_portions(store, cleanup)


def _in_portions(store: Transactions, cleanup: Cleanup[K]) -> Iterator[int]:
    last: K | None = None
    while keys := _found(store, cleanup, last):
        changed = _changed(store, cleanup, keys)
        yield changed
        # If nothing was changed, another process does the same, and the rest is left to it.
        if not changed or len(keys) < cleanup.portion:
            return
        last = keys[-1]


def _found(store: Transactions, cleanup: Cleanup[K], last: K | None) -> Sequence[K]:
    return store.read(lambda session: cleanup.find(session, last))


def _changed(store: Transactions, cleanup: Cleanup[K], keys: Sequence[K]) -> int:
    return store.write(lambda session: cleanup.change(session, keys))
