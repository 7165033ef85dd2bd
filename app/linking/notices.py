"""The link object, the same wherever a program meets a link, and the four notices about it.

A notice is written in the transaction that makes the change, so that one change has one notice.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy.orm import Session

from app.linking.values import LinkValue, Made, Refused, User
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
    timestamp: datetime
    data: MadeObject


class Replaced(msgspec.Struct, frozen=True, tag="link.replaced", tag_field="type"):
    timestamp: datetime
    data: ReplacedObject


class Removed(msgspec.Struct, frozen=True, tag="link.removed", tag_field="type"):
    timestamp: datetime
    data: LinkObject


class RefusedLink(msgspec.Struct, frozen=True, tag="link.refused", tag_field="type"):
    timestamp: datetime
    data: RefusedObject


Notice = Created | Replaced | Removed | RefusedLink


def object_of(link: LinkValue) -> LinkObject:
    """Return *link* as programs see it."""
    return LinkObject(**_fields(link))


def on_made(session: Session, made: Made, *, at: datetime) -> None:
    """Tell the bot of a link that was made."""
    fields = {**_fields(made.link), "also_opened_elsewhere": made.also_opened_elsewhere}
    if made.replaced is None:
        _add(session, Created(at, MadeObject(**fields)), at=at)
        return
    loser = UserObject(made.replaced.issuer, made.replaced.subject)
    _add(session, Replaced(at, ReplacedObject(**fields, replaced=loser)), at=at)


def on_ended(session: Session, ended: LinkValue, *, at: datetime) -> None:
    """Tell the bot of a link that stands no more."""
    _add(session, Removed(at, object_of(ended)), at=at)


def on_refused(
    session: Session,
    refused: Refused,
    person: tuple[PageId, Psid] | None,
    event_at: datetime | None,
    *,
    at: datetime,
) -> None:
    """Tell the bot of a link that was refused, where that concerns one of its users.

    *person* is who tried, and *event_at* when, as far as the event said it.
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
    enqueue_notice(session, msgspec.json.encode(notice), at=at)


def _known(link: LinkValue) -> User:
    if link.user is None:
        raise ValueError("a bare tombstone is nobody's link")
    return link.user


def _fields(link: LinkValue) -> dict[str, Any]:
    user = _known(link)
    return {
        "page_id": link.page_id,
        "psid": link.psid,
        "issuer": user.issuer,
        "subject": user.subject,
        "display_name": link.display_name,
        "messenger_name": link.messenger_name,
        "state": link.state,
        "version": link.version,
        "event_at": link.event_at,
        "cause": link.cause,
        "reference": link.reference,
    }
