"""Clean-ups and sweeps in a test's own session, whose changes are thrown away."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from app.infra.database.portions import Cleanup, in_portions

K = TypeVar("K")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class InSession:
    """A store that reads and writes in *session*, and commits nothing."""

    session: Session

    def read(self, query: Callable[[Session], R]) -> R:
        return query(self.session)

    def write(self, use_case: Callable[[Session], R]) -> R:
        value = use_case(self.session)
        self.session.flush()
        self.session.expire_all()
        return value


def clean(session: Session, *cleanups: Cleanup[K]) -> list[int]:
    """Run *cleanups* to their end; return how many rows each portion changed."""
    return list(in_portions(InSession(session), *cleanups))
