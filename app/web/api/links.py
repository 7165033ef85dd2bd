"""Who is linked to whom, for the bot and for mirrors of the business."""

import base64
import binascii
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from app.api_keys.service import Grant
from app.infra import clock
from app.linking import changes, handlers, link_queries
from app.linking.link_queries import Pair
from app.linking.notices import LinkObject, object_of
from app.linking.values import User
from app.messenger.types import PageId, Psid
from app.web.api.operations import Operation
from app.web.current import services
from app.web.exceptions import InputRefused, ResourceNotFound

MOST: Final = 200
# More than a page, so that a mirror that begins late does not wait for numbers.
NUMBERED_AT_ONCE: Final = 1000

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
Text = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]
Limit = Annotated[int, Meta(ge=1, le=MOST)]


class WhoseLinks(Struct, forbid_unknown_fields=True):
    issuer: Text
    subject: Text


class WhoseLinksPaged(Struct, forbid_unknown_fields=True):
    issuer: Text
    subject: Text
    limit: Limit = MOST
    cursor: Annotated[str, Meta(max_length=300, pattern=r"^[A-Za-z0-9_-]*$")] = ""


class Since(Struct, forbid_unknown_fields=True):
    limit: Limit = MOST
    cursor: Annotated[str, Meta(max_length=18, pattern=r"^[0-9]*$")] = ""


class PairObject(Struct, forbid_unknown_fields=True, frozen=True):
    page_id: Id
    psid: Id


class Wanted(Struct, forbid_unknown_fields=True):
    pairs: Annotated[list[PairObject], Meta(min_length=1, max_length=MOST)]


class LinkPage(Struct):
    """*cursor* asks for what follows; null at the end."""

    links: list[LinkObject]
    cursor: str | None


class Changes(Struct):
    """*cursor* is for the next poll, also when nothing has changed; *more* says: ask again now."""

    links: list[LinkObject]
    cursor: str
    more: bool


class Found(Struct):
    """One entry for each pair, in the order asked; null where no link stands."""

    links: list[LinkObject | None]


class Ended(Struct):
    ended: int


def show(grant: Grant, page_id: str, psid: str) -> LinkObject:
    del grant
    link = services().read(link_queries.find_link, PageId(page_id), Psid(psid))
    if link is None:
        raise ResourceNotFound
    return object_of(link)


def unlink(grant: Grant, page_id: str, psid: str) -> None:
    """End the link, if one stands: to ask twice does no harm (security.md R95)."""
    del grant
    services().write(
        handlers.end_one,
        PageId(page_id),
        Psid(psid),
        cause="api",
        policy=services().policy,
        at=clock.now(),
    )


def of_user(grant: Grant, query: WhoseLinksPaged) -> LinkPage:
    found = services().read(
        link_queries.links_of_user,
        User(query.issuer, query.subject),
        page=_page_of(grant),
        after=_pair_in(query.cursor),
        most=query.limit + 1,
    )
    shown = found[: query.limit]
    is_last = len(found) <= query.limit
    cursor = None if is_last else _cursor_for((shown[-1].page_id, shown[-1].psid))
    return LinkPage([object_of(link) for link in shown], cursor)


def unlink_user(grant: Grant, query: WhoseLinks) -> Ended:
    ended = services().write(
        handlers.end_all,
        User(query.issuer, query.subject),
        cause="api",
        policy=services().policy,
        page=_page_of(grant),
        at=clock.now(),
    )
    return Ended(len(ended))


def changed(grant: Grant, query: Since) -> Changes:
    after = int(query.cursor or 0)
    if services().read(changes.is_behind):
        services().write(changes.number, most=NUMBERED_AT_ONCE)
    found = services().read(changes.since, after, page=_page_of(grant), most=query.limit + 1)
    shown = found[: query.limit]
    last = shown[-1].number if shown else after
    return Changes([object_of(one.link) for one in shown], str(last), len(found) > len(shown))


def look_up(grant: Grant, body: Wanted) -> Found:
    allowed = _page_of(grant)
    pairs = [(PageId(pair.page_id), Psid(pair.psid)) for pair in body.pairs]
    theirs = [pair for pair in pairs if allowed in {None, pair[0]}]
    found = services().read(link_queries.links_of_pairs, theirs) if theirs else {}
    return Found([object_of(found[pair]) if pair in found else None for pair in pairs])


def _page_of(grant: Grant) -> PageId | None:
    return None if grant.page_id is None else PageId(grant.page_id)


def _cursor_for(pair: Pair) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(pair)).rstrip(b"=").decode()


def _pair_in(cursor: str) -> Pair | None:
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        page_id, psid = msgspec.json.decode(text, type=tuple[Id, Id])
    except (binascii.Error, msgspec.DecodeError):
        raise InputRefused("cursor: not one of ours") from None
    return PageId(page_id), Psid(psid)


ONE: Final = "/links/<page_id>/<psid>"
OPERATIONS: Final = (
    Operation(
        method="GET",
        path=ONE,
        name="show_link",
        scope="links:read",
        summary="Who is this?",
        words="The link of one Messenger person on one page. 404 where none stands. This is what "
        "a bot asks on every message.",
        view=show,
        answer=LinkObject,
        problems=(404,),
    ),
    Operation(
        method="DELETE",
        path=ONE,
        name="end_link",
        scope="links:write",
        summary="End a link",
        words="Ends the link if one stands, and tells Messenger, which then shows Log In again. To "
        "ask twice does no harm.",
        view=unlink,
        problems=(404,),
    ),
    Operation(
        method="GET",
        path="/links",
        name="list_links_of_user",
        scope="links:read",
        summary="All links of one user",
        words="The Messenger people that one user of the business has connected.",
        view=of_user,
        query=WhoseLinksPaged,
        answer=LinkPage,
    ),
    Operation(
        method="DELETE",
        path="/links",
        name="end_links_of_user",
        scope="links:write",
        summary="End all links of one user",
        words="Ends them all, on the key's pages, and tells Messenger.",
        view=unlink_user,
        query=WhoseLinks,
        answer=Ended,
    ),
    Operation(
        method="GET",
        path="/links/changes",
        name="list_changes",
        scope="links:read",
        summary="What has changed since",
        words="Every link that was made, ended or replaced after *cursor*, each in its present "
        "state, ended ones included. Begin without a cursor, keep the one you get, and you miss "
        "nothing. A link may come twice: what is not newer than the version you have changes "
        "nothing.",
        view=changed,
        query=Since,
        answer=Changes,
    ),
    Operation(
        method="POST",
        path="/links/lookup",
        name="look_up_links",
        scope="links:read",
        summary="Who are these?",
        words=f"Up to {MOST} pairs of page and person in one call.",
        view=look_up,
        body=Wanted,
        answer=Found,
    ),
)
