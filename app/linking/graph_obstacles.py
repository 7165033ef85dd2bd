"""The cause that an error of Graph's is, by the table of Graph's errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.linking.models import AttemptEvent
from app.messenger.errors import GraphUnavailable, GraphUnreachable, TokenDead
from app.messenger.graph.error_table import NO_ANSWER, OTHER_PAGE, UNREACHED, row_of
from app.messenger.graph.meanings import ErrorRow, Meaning

# Where an attempt has a cause of its own for what Graph says.
_OF_ATTEMPTS: Final[Mapping[str, str]] = {
    "graph_window_closed": "chat_code_not_delivered",
    "graph_person_unknown": "chat_code_not_delivered",
    "name_withheld": "graph_other",
}
# Where only the page is known that was shown.
_OF_PROBLEMS: Final[Mapping[str, str]] = {
    "graph": "graph_unavailable",
    "graph_throttled": "graph_rate_limited",
    "region_refused": "graph_region",
    "token_refused": "token_refused",
}


@dataclass(frozen=True, slots=True)
class Row:
    """The slug of a cause; for an error of Graph's also what Meta *says* by it, and its fix."""

    slug: str
    says: str = ""
    fix: str | None = None


def graph_row(event: AttemptEvent) -> Row:
    """Return the row of the error in *event*."""
    if not event.code and not event.detail:
        problem = event.subject.rpartition(":")[2]
        return Row(_OF_PROBLEMS.get(problem, "graph_other"), "Its error was not recorded.")
    # Its class is in the detail: a code may be one that Graph itself called temporary.
    is_transient = GraphUnavailable.__name__ in event.detail or None
    row = (
        row_of(event.code, event.subcode or None, event.subject, is_transient=is_transient)
        if event.code
        else _without_code(event.detail)
    )
    slug = _OF_ATTEMPTS.get(row.slug, row.slug)
    # Of the two meanings with one cause, this one says more.
    says = row.sentence if row.meaning is Meaning.REQUEST else row.says
    return Row(slug, says, row.fix if slug.startswith("graph_") else None)


def _without_code(detail: str) -> ErrorRow:
    known = {GraphUnreachable: UNREACHED, TokenDead: OTHER_PAGE}
    return next((row for error, row in known.items() if error.__name__ in detail), NO_ANSWER)
