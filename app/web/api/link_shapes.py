"""The structs that the operations on links take and answer."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from app.linking.link_object import IssuerField, LinkObject, PageIdField, PsidField, SubjectField

MOST: Final = 200

ID_PATTERN: Final = r"^[!-~]{1,64}$"
ID: Final = Meta(min_length=1, max_length=64, pattern=ID_PATTERN)
Id = Annotated[str, ID]
_SHORT: Final = Meta(min_length=1, max_length=255, pattern=r"^[^\x00]+$")
_Limit = Annotated[
    int,
    Meta(ge=1, le=MOST, description="The most links to answer with.", examples=[MOST]),
]


class UserQuery(Struct, forbid_unknown_fields=True):
    """A user of the business."""

    issuer: Annotated[IssuerField, _SHORT]
    subject: Annotated[SubjectField, _SHORT]


class PagedUserQuery(Struct, forbid_unknown_fields=True):
    """A user of the business, and which of their links."""

    issuer: Annotated[IssuerField, _SHORT]
    subject: Annotated[SubjectField, _SHORT]
    limit: _Limit = MOST
    cursor: Annotated[
        str,
        Meta(
            max_length=300,
            pattern=r"^[A-Za-z0-9_-]*$",
            description="The `cursor` of the answer before; leave it out for the first.",
            examples=["WyIxNzE3NTI3MTMxODM0Njc4IiwiMTI1NjIxNzM1NzczMDU3NyJd"],
        ),
    ] = ""


class ChangesQuery(Struct, forbid_unknown_fields=True):
    """Which changes."""

    limit: _Limit = MOST
    cursor: Annotated[
        str,
        Meta(
            max_length=18,
            pattern=r"^[0-9]*$",
            description="The `cursor` of the answer before; leave it out to start with the oldest "
            "change.",
            examples=["1041"],
        ),
    ] = ""


class PairObject(Struct, forbid_unknown_fields=True, frozen=True):
    """A Messenger person on a page."""

    page_id: Annotated[PageIdField, ID]
    psid: Annotated[PsidField, ID]


class Wanted(Struct, forbid_unknown_fields=True):
    """The pairs to look up."""

    pairs: Annotated[
        list[PairObject],
        Meta(min_length=1, max_length=MOST, description="The people to look up, each on a Page."),
    ]


class LinkPage(Struct):
    """A page of links. `cursor` requests the next page; it is null on the last."""

    links: Annotated[list[LinkObject], Meta(description="The links, in a fixed order.")]
    cursor: Annotated[
        str | None,
        Meta(description="Requests the next links; null if these were the last.", examples=[None]),
    ]


class Changes(Struct):
    """Changed links. `cursor` is for the next poll; with `more`, poll again at once."""

    links: Annotated[
        list[LinkObject],
        Meta(description="The links that have changed, each as it is now, oldest change first."),
    ]
    cursor: Annotated[
        str,
        Meta(
            description="For the next poll: store it once you have stored the links.",
            examples=["1042"],
        ),
    ]
    more: Annotated[
        bool,
        Meta(description="Whether there are more already: poll again at once.", examples=[False]),
    ]


class Found(Struct):
    """One entry for each pair, in the order of the request; null if the pair is not linked."""

    links: Annotated[
        list[LinkObject | None],
        Meta(
            description="The link of each pair, in the order of the request; null where there is "
            "none, or where the key is for another Page."
        ),
    ]


class Ended(Struct):
    """The number of links that were ended, and of attempts that would have become links."""

    ended: Annotated[int, Meta(description="How many links were ended.", examples=[1])]
    attempts: Annotated[
        int,
        Meta(
            description="How many attempts were ended that would have become links.", examples=[0]
        ),
    ]
