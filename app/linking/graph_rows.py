"""The cause that an error of Graph's speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.messenger.graph.meanings import Meaning, meaning_of

_BY_MEANING: Final[Mapping[Meaning, str]] = {
    Meaning.LINKING_TOKEN: "token_refused",
    Meaning.WINDOW: "chat_code_not_delivered",
    Meaning.PAGE: "graph_page_restricted",
    Meaning.TOKEN: "graph_token_dead",
    Meaning.PERMISSION: "graph_permission",
    Meaning.RATE_LIMIT: "graph_rate_limited",
    Meaning.TRANSIENT: "graph_unavailable",
}
# Meta's privacy rules for Europe and Japan ("Error codes", 25 June 2026).
_REGION: Final = frozenset({2018336, 2018047})


@dataclass(frozen=True, slots=True)
class GraphRow:
    """The slug of a cause; *sentence* and *fix* are more exact than the cause's, where given."""

    slug: str
    sentence: str | None = None
    fix: str | None = None


def graph_row(code: int, subcode: int) -> GraphRow:
    """Return the row of an error; *code* 0 means that there was no usable answer."""
    if not code:
        return GraphRow("graph_unavailable")
    if subcode in _REGION:
        return GraphRow("graph_region")
    meaning = meaning_of(code, subcode or None, is_transient=None)
    return GraphRow(_BY_MEANING.get(meaning, "graph_other"))
