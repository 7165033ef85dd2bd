"""The link object of the API and the exports, and the notices that the bot gets about links.

A notice is stored in the transaction that makes the change, so that one change has one notice.
"""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy.orm import Session

from app.linking.values import LinkValue, Made, Refused
from app.messenger.types import PageId, Psid
from app.outbox.bot_webhooks import enqueue_notice


class LinkObject(msgspec.Struct, frozen=True, kw_only=True):
    """A link between a Messenger person and a user of the business."""

    page_id: str
    psid: str
    issuer: str
    subject: str
    display_name: str | None
    messenger_name: str | None
    state: Literal["linked", "ended"]
    version: int
    event_at: datetime
    cause: str
    reference: str | None


class UserObject(msgspec.Struct, frozen=True):
    """A user of the business."""

    issuer: str
    subject: str


class MadeObject(LinkObject, frozen=True, kw_only=True):
    """The new link. `also_opened_elsewhere`: the same Log In was opened more than once."""

    also_opened_elsewhere: bool


class ReplacedObject(MadeObject, frozen=True, kw_only=True):
    """The new link, and the user who was linked before."""

    replaced: UserObject


class RefusedObject(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was refused. `cause` gives the reason."""

    page_id: str | None
    psid: str | None
    issuer: str
    subject: str
    display_name: None = None
    messenger_name: None = None
    state: Literal["refused"] = "refused"
    version: None = None
    event_at: datetime | None
    cause: str
    reference: str | None


class Created(msgspec.Struct, frozen=True, tag="link.created", tag_field="type"):
    """A person has connected an account."""

    timestamp: datetime
    data: MadeObject


class Replaced(msgspec.Struct, frozen=True, tag="link.replaced", tag_field="type"):
    """A person has connected another account than before."""

    timestamp: datetime
    data: ReplacedObject


class Removed(msgspec.Struct, frozen=True, tag="link.removed", tag_field="type"):
    """A link has ended."""

    timestamp: datetime
    data: LinkObject


class RefusedLink(msgspec.Struct, frozen=True, tag="link.refused", tag_field="type"):
    """A link was refused; `cause` gives the reason."""

    timestamp: datetime
    data: RefusedObject


Notice = Created | Replaced | Removed | RefusedLink
# In the API specification: the tag of each class is its name, the docstring its summary.
NOTICES: Final = (Created, Replaced, Removed, RefusedLink)


def object_of(link: LinkValue) -> LinkObject:
    """Return *link* as programs see it."""
    return LinkObject(**_fields(link))


def on_made(session: Session, made: Made, *, at: datetime) -> None:
    """Notify the bot of a link that was made."""
    fields = {**_fields(made.link), "also_opened_elsewhere": made.also_opened_elsewhere}
    if made.replaced is None:
        _add(session, Created(at, MadeObject(**fields)), at=at)
        return
    loser = UserObject(made.replaced.issuer, made.replaced.subject)
    _add(session, Replaced(at, ReplacedObject(**fields, replaced=loser)), at=at)


def on_ended(session: Session, ended: LinkValue, *, at: datetime) -> None:
    """Notify the bot of a link that was ended."""
    _add(session, Removed(at, object_of(ended)), at=at)


def on_refused(
    session: Session,
    refused: Refused,
    person: tuple[PageId, Psid] | None,
    event_at: datetime | None,
    *,
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
    )
    _add(session, RefusedLink(at, data), at=at)


def _add(session: Session, notice: Notice, *, at: datetime) -> None:
    body = msgspec.json.encode(notice)
    enqueue_notice(session, body, reference=notice.data.reference, at=at)


def _fields(link: LinkValue) -> dict[str, Any]:
    if link.user is None:
        raise ValueError("a bare tombstone is no user's link")
    return {name: getattr(link, name) for name in LinkObject.__struct_fields__}
