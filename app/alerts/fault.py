"""A fault as it was found, and as it is kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from app.infra.observability.logs import printable

# In characters: more would be no sentence, and chat services cut it off.
MOST_TEXT: Final = 600


class FaultKey(NamedTuple):
    """The cause of a fault and the Page that has it; *page_id* is empty where none has."""

    cause: str
    page_id: str = ""

    @property
    def category(self) -> str:
        """The cause without the name behind it: "outbox_late" of "outbox_late:notice"."""
        return self.cause.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that an operator has to fix: the *sentence* says what, *fix* how."""

    key: FaultKey
    sentence: str
    fix: str

    def cut(self) -> "Fault":
        """Return it in one line each, as it is stored: names in it are of strangers (R82)."""
        return Fault(self.key, _line(self.sentence), _line(self.fix))


@dataclass(frozen=True, slots=True)
class KeptFault:
    """A fault that is there since *found_at*, or is over if that is None."""

    key: FaultKey
    found_at: datetime | None
    seen_at: datetime
    # The operator does not know yet how it is.
    is_untold: bool


def _line(text: str) -> str:
    return printable(" ".join(text.split()))[:MOST_TEXT]
