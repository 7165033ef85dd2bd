"""Raw SQL on the tables, so that a test does not ask the code under test."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.services.container import Services


@dataclass(frozen=True, slots=True)
class StoredRows:
    """The rows of the database, as plain SQL returns them."""

    services: Services

    def count(self, table: str, where: str = "1 = 1") -> int:
        """Return how many rows of *table* there are."""
        return int(self._ask(f"SELECT count(*) FROM {table} WHERE {where}"))  # noqa: S608 - a test's own words

    def column(self, table: str, column: str) -> Any:
        """Return *column* of the only row of *table*."""
        return self._ask(f"SELECT {column} FROM {table}")  # noqa: S608 - a test's own words

    def row(self, table: str) -> dict[str, Any]:
        """Return the only row of *table*."""

        def ask(session: Session) -> dict[str, Any]:
            return dict(session.execute(text(f"SELECT * FROM {table}")).mappings().one())  # noqa: S608 - a test's own words

        return self.services.read(ask)

    def _ask(self, query: str) -> Any:
        def ask(session: Session) -> Any:
            return session.execute(text(query)).scalar_one()

        return self.services.read(ask)
