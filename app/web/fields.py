"""The header fields of a request on the event loop."""

from collections.abc import Sequence


class Fields:
    """The header fields of a request, looked up without regard to case."""

    __slots__ = ("_fields", "are_doubled")

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self._fields = dict(fields)
        self.are_doubled = len(self._fields) < len(fields)

    def get(self, name: str, /) -> str | None:
        """Return the value of *name*, None where it is absent."""
        value = self._fields.get(name.lower().encode())
        return None if value is None else value.decode("latin-1")
