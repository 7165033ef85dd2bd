"""A use case that only adds a row, so that those of a whole group can be added together."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlalchemy import Connection, Executable
from sqlalchemy.orm import Session

_Shape: TypeAlias = tuple[Callable[[str], Executable], *tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row of *values*, and the *insert* of one row as a statement for each dialect.

    Rows are inserted together if their *insert* is the same function, and their columns are.
    """

    insert: Callable[[str], Executable] = field(repr=False)
    values: Mapping[str, object] = field(repr=False)

    def __call__(self, session: Session) -> None:
        """Add the row by itself."""
        session.execute(self.insert(session.get_bind().dialect.name), self.values)


def insert_all(connection: Connection, rows: Iterable[NewRow]) -> None:
    """Add *rows*, by one call of the driver where they have one shape.

    psycopg sends all of them before it awaits the first answer, and sqlite3 loops in C: most of the
    cost of a statement is that of a call, not of a row.
    """
    together: dict[_Shape, list[Mapping[str, object]]] = {}
    for row in rows:
        together.setdefault((row.insert, *row.values), []).append(row.values)
    for (insert, *_), values in together.items():
        connection.execute(insert(connection.dialect.name), values)
