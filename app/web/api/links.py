"""The operations on links, for bots and for mirrors of the links."""

import base64
import binascii
import re
from typing import Final

import msgspec
import structlog

from app.api_keys.service import Grant
from app.infra import clock
from app.linking import changes, handlers, link_queries
from app.linking.link_object import LinkObject, object_of
from app.linking.link_queries import Pair
from app.linking.values import Endings, User
from app.messenger.types import PageId, Psid
from app.web.api.link_shapes import (
    ID_PATTERN,
    MOST,
    Changes,
    ChangesQuery,
    Ended,
    Found,
    Id,
    LinkPage,
    PagedUserQuery,
    PairObject,
    UserQuery,
    Wanted,
)
from app.web.api.operations import Example, Operation
from app.web.api.samples import SOMEBODY_ELSE, sample
from app.web.current import services
from app.web.exceptions import InputRefused, ResourceNotFound

log = structlog.get_logger()

ONE_LINK: Final = "/links/<page_id>/<psid>"
LOOK_UP: Final = "/links/lookup"

# More than a page, so that a mirror that starts late is not held up by numbering.
NUMBERED_AT_ONCE: Final = 250

_IS_ID: Final = re.compile(ID_PATTERN)


def show_link(grant: Grant, page_id: str, psid: str) -> LinkObject:
    del grant
    link = services().read(link_queries.find_link, PageId(page_id), Psid(psid))
    if link is None:
        raise ResourceNotFound
    return object_of(link)


def end_link(grant: Grant, page_id: str, psid: str) -> None:
    """End the link, if there is one: the operation is idempotent (R95)."""
    if not (_IS_ID.fullmatch(page_id) and _IS_ID.fullmatch(psid)):
        raise InputRefused("the path has an id that none can be")
    endings = services().write(
        handlers.end_one,
        PageId(page_id),
        Psid(psid),
        cause="api",
        policy=services().policy,
        at=clock.now(),
    )
    _log(endings, grant)


def list_links_of_user(grant: Grant, query: PagedUserQuery) -> LinkPage:
    links = services().read(
        link_queries.links_of_user,
        User(query.issuer, query.subject),
        page=_page_of(grant),
        after=_decode_cursor(query.cursor),
        most=query.limit + 1,
    )
    shown = links[: query.limit]
    is_last = len(links) <= query.limit
    cursor = None if is_last else _encode_cursor((shown[-1].page_id, shown[-1].psid))
    return LinkPage([object_of(link) for link in shown], cursor)


def end_links_of_user(grant: Grant, query: UserQuery) -> Ended:
    endings = services().write(
        handlers.end_all,
        User(query.issuer, query.subject),
        cause="api",
        policy=services().policy,
        page=_page_of(grant),
        at=clock.now(),
    )
    _log(endings, grant)
    return Ended(len(endings.links), endings.attempts)


def list_changes(grant: Grant, query: ChangesQuery) -> Changes:
    after = int(query.cursor or 0)
    if services().read(changes.is_behind):
        services().write(changes.number, most=NUMBERED_AT_ONCE)
    changed = services().read(changes.since, after, page=_page_of(grant), most=query.limit + 1)
    shown = changed[: query.limit]
    last = shown[-1].number if shown else after
    return Changes(
        [object_of(change.link) for change in shown], str(last), len(changed) > len(shown)
    )


def look_up_links(grant: Grant, body: Wanted) -> Found:
    allowed = _page_of(grant)
    pairs = [(PageId(pair.page_id), Psid(pair.psid)) for pair in body.pairs]
    visible = [pair for pair in pairs if allowed in {None, pair[0]}]
    links = services().read(link_queries.links_of_pairs, visible) if visible else {}
    return Found([object_of(links[pair]) if pair in links else None for pair in pairs])


def _log(endings: Endings, grant: Grant) -> None:
    """Log what the holder of the key has ended."""
    for link in endings.links:
        log.info(
            "link.ended",
            page=link.page_id,
            psid=link.psid,
            cause=link.cause,
            reference=link.reference,
            key=grant.key_id,
        )
    if endings.attempts:
        log.info("attempt.ended_by_api", attempts=endings.attempts, key=grant.key_id)


def _page_of(grant: Grant) -> PageId | None:
    """Return the page that the key is limited to; None for every page."""
    return None if grant.page_id is None else PageId(grant.page_id)


def _encode_cursor(pair: Pair) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(pair)).rstrip(b"=").decode()


def _decode_cursor(cursor: str) -> Pair | None:
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        page_id, psid = msgspec.json.decode(text, type=tuple[Id, Id])
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        raise InputRefused("cursor: not issued by this API") from None
    return PageId(page_id), Psid(psid)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path=ONE_LINK,
        name="show_link",
        scope="links:read",
        summary="Who is this?",
        description="The link of one Messenger person on one Page. A bot asks this on every "
        "message: it reads one row, so you need not store the answer. 404 means that the person is "
        "not linked; send them a Log In button.",
        view=show_link,
        answer=LinkObject,
        errors=(ResourceNotFound,),
    ),
    Operation(
        method="POST",
        path=LOOK_UP,
        name="look_up_links",
        scope="links:read",
        summary="Who are these?",
        description=f"Looks up at most {MOST} people in one call, for lists and reports.",
        view=look_up_links,
        body=Wanted,
        example=Example(
            body=Wanted([sample(PairObject), sample(PairObject, psid=SOMEBODY_ELSE)]),
            answer=Found([sample(LinkObject), None]),
        ),
        answer=Found,
    ),
    Operation(
        method="GET",
        path="/links",
        name="list_links_of_user",
        scope="links:read",
        summary="All links of one user",
        description="The Messenger people whom one user of the business has connected. While "
        "`cursor` in the answer is not null, there are more: ask again with it.",
        view=list_links_of_user,
        query=PagedUserQuery,
        answer=LinkPage,
    ),
    Operation(
        method="GET",
        path="/links/changes",
        name="list_changes",
        scope="links:read",
        summary="Links that changed since a cursor",
        description="Every link that was made, ended or replaced after `cursor`, in its present "
        "state, including ended links. Start without a cursor and pass the last one that you got: "
        "then no change is missed. A link may appear twice: ignore it if its `version` is not "
        "newer than the one you have.",
        view=list_changes,
        query=ChangesQuery,
        example=Example(query={"cursor": "1041"}),
        answer=Changes,
    ),
    Operation(
        method="DELETE",
        path=ONE_LINK,
        name="end_link",
        scope="links:write",
        summary="End a link",
        description="Ends the link, if there is one, and tells Messenger, which then shows Log In "
        "again. Also ends every attempt of this person to connect, even one that Messenger has not "
        "confirmed yet. Repeating the request does no harm.",
        view=end_link,
        errors=(ResourceNotFound,),
    ),
    Operation(
        method="DELETE",
        path="/links",
        name="end_links_of_user",
        scope="links:write",
        summary="End all links of one user",
        description="Ends all of them, on the pages of the key, and tells Messenger. Also ends "
        "every attempt in which this user has signed in, even one that Messenger has not confirmed "
        "yet: it makes no link when Messenger's event arrives.",
        view=end_links_of_user,
        query=UserQuery,
        answer=Ended,
    ),
)
