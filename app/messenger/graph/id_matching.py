"""ID matching: the PSIDs, on the Pages of one business, of a person known by an app-scoped id.

developers.facebook.com, Messenger Platform, "ID Matching API" (its pages have been withdrawn and
restored; read 2026-11 with "Updates for Europe and Japan", by which it is withdrawn there), and
github.com/fbsamples messenger-node, lib/id-matching.js. Only the app's own token may ask.
"""

from collections.abc import Iterator
from typing import Any, Final

from app.messenger.errors import GraphUnavailable
from app.messenger.graph.transport import Call, GraphTransport
from app.messenger.types import PageId, Psid

# A person has as many as the business has Pages; more than this is no answer that we understand.
_MOST_PARTS: Final = 20


def read_people(transport: GraphTransport, user_id: str) -> tuple[tuple[PageId, Psid], ...]:
    """Return the Pages that know the person *user_id*, digits, and the PSID on each.

    Empty: Meta knows of none, or does not say.
    """
    found: list[tuple[PageId, Psid]] = []
    params: dict[str, str] = {}
    for _ in range(_MOST_PARTS):
        answer = transport.send(
            Call(
                name="ids_for_pages",
                method="GET",
                path=f"/{user_id}/ids_for_pages",
                params=params,
                may_repeat=True,
            )
        )
        found += _rows(answer)
        after = _after(answer)
        if after is None:
            return tuple(found)
        params = {"after": after}
    raise GraphUnavailable("an answer without an end")


def _rows(answer: dict[str, Any]) -> Iterator[tuple[PageId, Psid]]:
    rows = answer.get("data")
    if not isinstance(rows, list):
        raise GraphUnavailable("an answer without ids")
    for row in rows:
        match row:
            case {"id": str(psid), "page": {"id": str(page_id)}}:
                yield PageId(page_id), Psid(psid)
            case _:
                # To leave one out would be to say that all is erased.
                raise GraphUnavailable("an answer with an unknown id")


def _after(answer: dict[str, Any]) -> str | None:
    match answer.get("paging"):
        # The last part has cursors as well, and no address of a next one (Graph API, "Pagination").
        case {"next": str(), "cursors": {"after": str(after)}}:
            return after
        case _:
            return None
