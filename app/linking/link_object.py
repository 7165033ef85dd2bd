"""The link object: a link as the API, the exports and the notices show it."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from app.linking.values import LinkValue

# In the specification: of the format date-time.
Moment = Annotated[datetime, Meta(tz=True)]
PageIdField = Annotated[
    str,
    Meta(
        description="The Facebook Page, by its id at Meta.",
        examples=["1717527131834678"],
    ),
]
PsidField = Annotated[
    str,
    Meta(
        description="The person, by the id that Messenger gives them for this Page. Another Page "
        "knows the same person by another id.",
        examples=["1256217357730577"],
    ),
]
IssuerField = Annotated[
    str,
    Meta(
        description="Where the user signed in: `local` for accounts kept here, else the name "
        "of the authenticator, or the address of an OpenID Connect provider. Only `issuer` and "
        "`subject` together name a user.",
        examples=["local"],
    ),
]
SubjectField = Annotated[
    str,
    Meta(
        description="The user’s id at `issuer`, for example a customer number. It stays the same "
        "when the name or e-mail address changes.",
        examples=["k7f2m9qa"],
    ),
]
ReferenceField = Annotated[
    str | None,
    Meta(
        description="The attempt that led here, as the person saw it at the foot of each page; "
        "null if no attempt is known.",
        examples=["q3m9-7d2k"],
    ),
]


class LinkObject(msgspec.Struct, frozen=True, kw_only=True):
    """A link between a Messenger person and a user of the business."""

    page_id: PageIdField
    psid: PsidField
    issuer: IssuerField
    subject: SubjectField
    display_name: Annotated[
        str | None,
        Meta(
            description="The user’s name, partly hidden so that it may be shown in a chat; null "
            "once the link has ended, except in its `link.removed`.",
            examples=["j•••@example.com"],
        ),
    ]
    messenger_name: Annotated[
        str | None,
        Meta(
            description="The name of the Messenger profile when it was connected; null if "
            "Messenger withheld it, and once the link has ended, except in its `link.removed`.",
            examples=["Ana Berg"],
        ),
    ]
    state: Annotated[
        Literal["linked", "ended"],
        Meta(description="Whether the link is there.", examples=["linked"]),
    ]
    version: Annotated[
        int,
        Meta(
            description="Grows by one with each change of this person on this Page. Of two objects "
            "the one with the higher version is newer, whichever came first.",
            examples=[7],
        ),
    ]
    event_at: Annotated[
        Moment,
        Meta(
            description="Messenger’s time of its last event about this link: of connecting, or of "
            "disconnecting in Messenger.",
            examples=["2026-11-20T10:00:00Z"],
        ),
    ]
    cause: Annotated[
        str,
        Meta(
            description="What made or ended the link: `messenger`, `m.me` (an invitation), `api`, "
            "`person` (by Disconnect in the chat or on a page of ours), `operator` (a command), "
            "`imported`, `account closed` or `data deletion`. More may follow: show it, but do not "
            "decide by it.",
            examples=["messenger"],
        ),
    ]
    reference: ReferenceField


class UserObject(msgspec.Struct, frozen=True):
    """A user of the business."""

    issuer: IssuerField
    subject: Annotated[
        str,
        Meta(description="The user’s id at `issuer`.", examples=["m4t8w2zc"]),
    ]


def object_of(link: LinkValue) -> LinkObject:
    """Return *link* as programs see it."""
    return LinkObject(**fields_of(link))


def fields_of(link: LinkValue) -> dict[str, Any]:
    """Return the fields of *link* by their names in a LinkObject."""
    if link.user is None:
        raise ValueError("a bare tombstone is no user's link")
    return {name: getattr(link, name) for name in LinkObject.__struct_fields__}
