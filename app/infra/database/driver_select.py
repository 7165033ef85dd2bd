"""A SELECT that is compiled once and run by the driver, for what programs ask for all the time.

SQLAlchemy takes longer to run a statement than SQLite takes to find a row by its key.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Dialect, Select


class DriverSelect:
    """The *statement* for *dialect*; its rows have the types that its columns say."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql, self._given = str(compiled), compiled.params
        # SQLite's driver takes parameters by their places, psycopg by their names.
        self._places = compiled.positiontup if compiled.positional else None
        types = (column.type.dialect_impl(dialect) for column in statement.selected_columns)
        processors = (kind.result_processor(dialect, None) for kind in types)
        self._processors = [(place, each) for place, each in enumerate(processors) if each]

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> Iterator[list[Any]]:
        """Yield the rows; an error is the driver's, and *connection* is to be closed then."""
        values = {**self._given, **parameters}
        given = values if self._places is None else [values[name] for name in self._places]
        driver: Any = connection.connection.driver_connection
        for found in driver.execute(self._sql, given).fetchall():
            row = list(found)
            for place, process in self._processors:
                row[place] = process(row[place])
            yield row
