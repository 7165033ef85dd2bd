"""The notices that the bot gets about links.

A notice is stored in the transaction that makes the change, so that one change has one notice.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from app.linking.link_object import (
    IssuerField,
    LinkObject,
    Moment,
    ReferenceField,
    SubjectField,
    UserObject,
    fields_of,
    object_of,
)
from app.linking.resume import ResumeField
from app.linking.values import LinkValue, Made, Refused
from app.messenger.types import PageId, Psid
from app.outbox.bot_webhooks import enqueue_notice

_NoticeAt = Annotated[
    Moment,
    Meta(description="When the notice was made.", examples=["2026-11-20T10:00:01Z"]),
]


class MadeObject(LinkObject, frozen=True, kw_only=True):
    """The new link. `also_opened_elsewhere`: the same Log In was opened more than once.

    `connections_url`: where its user can end it.
    """

    connections_url: Annotated[
        str | None,
        Meta(
            description="The page on which the user sees and ends their own connections, for your "
            "letter about this one; null where CONNECTIONS_PAGE is off.",
            examples=["https://link.example.com/connections?page=1717527131834678"],
        ),
    ]

    also_opened_elsewhere: Annotated[
        bool,
        Meta(
            description="Whether the same Log In was opened more than once before the person "
            "confirmed: in two tabs, or because the link was passed on.",
            examples=[False],
        ),
    ]
    resume: ResumeField = None


class ReplacedObject(MadeObject, frozen=True, kw_only=True):
    """The new link, and the user who was linked before."""

    replaced: Annotated[
        UserObject,
        Meta(description="The user whom this person was connected to before."),
    ]


class RefusedObject(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was refused. `cause` gives the reason."""

    page_id: Annotated[
        str | None,
        Meta(
            description="The Facebook Page, by its id at Meta; null if the event did not say.",
            examples=["1717527131834678"],
        ),
    ]
    psid: Annotated[
        str | None,
        Meta(
            description="The person on that Page; null if the event did not say.",
            examples=["1256217357730577"],
        ),
    ]
    issuer: IssuerField
    subject: SubjectField
    display_name: Annotated[
        None, Meta(description="Always null: no name is told.", examples=[None])
    ] = None
    messenger_name: Annotated[
        None, Meta(description="Always null: no name is told.", examples=[None])
    ] = None
    state: Annotated[
        Literal["refused"], Meta(description="Always `refused`.", examples=["refused"])
    ] = "refused"
    version: Annotated[
        None, Meta(description="Always null: no link has changed.", examples=[None])
    ] = None
    event_at: Annotated[
        Moment | None,
        Meta(
            description="When Messenger says that it happened; null if the event did not say.",
            examples=["2026-11-20T10:00:00Z"],
        ),
    ]
    cause: Annotated[
        str,
        Meta(
            description="Why there is no link, in a word or two. By Log In: `expired`, `spent`, "
            "`other person`, `other page` and the like. By an invitation: `declined` (No in the "
            "chat), `claimed twice` (two profiles brought its link or code), `spent` (a second one "
            "brought it after the link), `other account` (the profile is another user’s), "
            "`replayed` (the event is older than the invitation), `account closed`, `wrong digits` "
            "(five times).",
            examples=["expired"],
        ),
    ]
    reference: ReferenceField
    resume: ResumeField = None


class Created(msgspec.Struct, frozen=True, tag="link.created", tag_field="type"):
    """A person has connected an account."""

    timestamp: _NoticeAt
    data: Annotated[MadeObject, Meta(description="The new link.")]


class Replaced(msgspec.Struct, frozen=True, tag="link.replaced", tag_field="type"):
    """A person has connected another account than before."""

    timestamp: _NoticeAt
    data: Annotated[ReplacedObject, Meta(description="The new link, and who had it before.")]


class Removed(msgspec.Struct, frozen=True, tag="link.removed", tag_field="type"):
    """A link has ended."""

    timestamp: _NoticeAt
    data: Annotated[LinkObject, Meta(description="The link as it ended.")]


class RefusedLink(msgspec.Struct, frozen=True, tag="link.refused", tag_field="type"):
    """A link was refused; `cause` gives the reason."""

    timestamp: _NoticeAt
    data: Annotated[RefusedObject, Meta(description="Whom it would have connected, and why not.")]


Notice = Created | Replaced | Removed | RefusedLink
# In the API specification: the tag of each class is its name, the docstring its summary.
NOTICES: Final = (Created, Replaced, Removed, RefusedLink)


def on_made(
    session: Session,
    made: Made,
    *,
    resume: str | None = None,
    connections_url: str | None = None,
    at: datetime,
) -> None:
    """Notify the bot of a link that was made, and of the *resume* that it gave before.

    *connections_url* lacks the page's id.
    """
    fields = {
        **fields_of(made.link),
        "also_opened_elsewhere": made.also_opened_elsewhere,
        "connections_url": connections_url and f"{connections_url}{made.link.page_id}",
        "resume": resume,
    }
    if made.replaced is None:
        _add(session, Created(at, MadeObject(**fields)), at=at)
        return
    loser = UserObject(made.replaced.issuer, made.replaced.subject)
    _add(session, Replaced(at, ReplacedObject(**fields, replaced=loser)), at=at)


def on_ended(session: Session, ended: LinkValue, *, at: datetime) -> None:
    """Notify the bot of a link that was ended."""
    _add(session, Removed(at, object_of(ended)), at=at)


def on_refused(  # noqa: PLR0913 - the refusal, and what the event says of it
    session: Session,
    refused: Refused,
    person: tuple[PageId, Psid] | None,
    event_at: datetime | None,
    *,
    resume: str | None = None,
    at: datetime,
) -> None:
    """Notify the bot of a link that was refused, if a user of the business is concerned.

    *person* and *event_at* are those of the event, None where it has none that are usable.
    """
    if refused.user is None:
        return
    page_id, psid = person or (None, None)
    data = RefusedObject(
        page_id=page_id,
        psid=psid,
        issuer=refused.user.issuer,
        subject=refused.user.subject,
        event_at=event_at,
        cause=refused.reason,
        reference=refused.reference,
        resume=resume,
    )
    _add(session, RefusedLink(at, data), at=at)


def _add(session: Session, notice: Notice, *, at: datetime) -> None:
    body = msgspec.json.encode(notice)
    enqueue_notice(session, body, reference=notice.data.reference, at=at)
