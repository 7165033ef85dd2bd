"""Values that the functions of linking take and return; they outlive the session."""

from dataclasses import dataclass
from datetime import datetime

from app.linking.link_rows import LinkRow
from app.linking.models import Attempt, Link
from app.messenger.types import PageId, Psid


@dataclass(frozen=True, slots=True)
class User:
    """Somebody the business knows: a subject means nothing without its issuer."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkValue:
    """A link as it stands, or as it stood when it ended."""

    page_id: PageId
    psid: Psid
    user: User | None
    display_name: str | None
    messenger_name: str | None
    state: str
    version: int
    event_at: datetime
    cause: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Made:
    """A link was made; *replaced* is the user who lost it, if another had it."""

    link: LinkValue
    replaced: User | None
    # The same Log In was opened more than once before the person confirmed (security.md R21).
    also_opened_elsewhere: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A ``linked`` event made no link, and its code, if it was ours, is burnt.

    *user* is whose code it was, None where it was nobody's.
    """

    reason: str
    user: User | None
    reference: str | None


def value_of(link: Link | LinkRow) -> LinkValue:
    """Return *link* as a value that outlives its session."""
    return LinkValue(
        page_id=link.page_id,
        psid=link.psid,
        user=user_of(link),
        display_name=link.display_name,
        messenger_name=link.messenger_name,
        state=link.state,
        version=link.version,
        event_at=link.event_at,
        cause=link.cause,
        reference=link.reference,
    )


def user_of(row: Attempt | Link | LinkRow | None) -> User | None:
    """Return the user that *row* speaks of, if it speaks of one."""
    if row is None or row.issuer is None or row.subject is None:
        return None
    return User(row.issuer, row.subject)
