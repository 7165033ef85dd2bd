"""The name and the picture of a Page, as Graph tells them to the Page's own token.

Fields: developers.facebook.com, Graph API reference, "Page" and "Page Picture", read 2026-11.
"""

from dataclasses import dataclass
from typing import Any, Final

from app.messenger.display_names import clean_name
from app.messenger.errors import GraphRefused, GraphUnavailable
from app.messenger.graph.transport import Call, GraphTransport
from app.messenger.types import PageId

# At twice the size at which pages show it, for screens of that density.
_PICTURE: Final = "picture.width(200).height(200){url,is_silhouette}"
# A permission or a field that this token does not have. Whether `pages_messaging` alone is enough
# for the picture is not documented.
_NOT_FOR_US: Final = frozenset({10, 100, 200})


@dataclass(frozen=True, slots=True)
class PageProfile:
    """The name of a Page, and the address of its picture; None where there is none.

    *tells_picture*: False if Graph was asked for the name alone.
    """

    name: str | None
    picture_url: str | None = None
    tells_picture: bool = True


def read_page_profile(transport: GraphTransport, page_id: PageId) -> PageProfile:
    """Return the profile of *page_id*; without its picture where Graph refuses that.

    Raises:
        GraphRefused: The token may not even read the name.
        GraphUnavailable: There was no usable answer.
    """
    try:
        answer = _ask(transport, page_id, f"name,{_PICTURE}")
    except GraphRefused as exc:
        if exc.code not in _NOT_FOR_US:
            raise
        return PageProfile(_name(_ask(transport, page_id, "name")), tells_picture=False)
    return PageProfile(_name(answer), _picture_url(answer))


def _ask(transport: GraphTransport, page_id: PageId, fields: str) -> dict[str, Any]:
    # Not repeated: nobody waits for it, and it is asked again later.
    answer = transport.send(
        Call(name="page_profile", method="GET", path=f"/{page_id}", params={"fields": fields})
    )
    if answer.get("id") not in {None, page_id}:
        raise GraphUnavailable("an answer about another page", call="page_profile")
    return answer


def _name(answer: dict[str, Any]) -> str | None:
    name = answer.get("name")
    return (clean_name(name) or None) if isinstance(name, str) else None


def _picture_url(answer: dict[str, Any]) -> str | None:
    """Return the address of the picture; None for a silhouette, which stands for no picture."""
    match answer.get("picture"):
        case {"data": {"is_silhouette": True}}:
            return None
        case {"data": {"url": str(url)}}:
            return url
        case _:
            return None
