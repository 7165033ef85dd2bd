"""The pair that stands: made by a code that Messenger brings back, ended, replaced.

Nothing here commits, and every function may be run twice by `Writer.write`. The present state of a
(page, PSID) follows Meta's event times; our own endings are remembered beside them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.linking import codes, rows
from app.linking.history import Entry, User, is_known, record
from app.linking.models import Attempt, Link
from app.linking.rows import LinkRow
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import PageId, Psid

# A later event time cannot be true, and would make a link that nothing ends.
MOST_AHEAD: Final = timedelta(minutes=15)


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


def redeem(session: Session, event: AccountLinked, *, at: datetime) -> Made | Refused | None:
    """Spend the code of *event*, and make its link the one that stands.

    Messenger repeats what it thinks we missed: a repeat is None and changes nothing, and so is an
    event older than what stands. A refusal is a value: to raise would roll back, and leave the
    code unburnt.
    """
    attempt = codes.burn(session, event.authorization_code, at=at)
    if attempt is None:
        spent = codes.spent(session, event.authorization_code)
        if _is_repeat(session, event, spent):
            return None
        return _refuse(session, event, spent, codes.why_worthless(spent), at=at)
    link = rows.lock(session, event.page_id, event.psid)
    reason = codes.misfit(attempt, event, link)
    if reason is not None:
        attempt.reason, attempt.messenger_name = reason, None
        return _refuse(session, event, attempt, reason, at=at)
    return _make(session, event, attempt, link, at=at)


def burn(session: Session, authorization_code: str | None, reason: str, *, at: datetime) -> Refused:
    """Burn a code that came in an event that makes no link: whoever sent it knows it now."""
    attempt = codes.burn(session, authorization_code, at=at) if authorization_code else None
    if attempt is None or attempt.psid is None:
        return Refused(reason, None, None)
    attempt.reason, attempt.messenger_name = reason, None
    # The event may lack a page, a person or a time: the attempt's are known.
    entry = Entry(
        page_id=attempt.page_id,
        psid=attempt.psid,
        status="refused",
        cause=reason,
        user=codes.user_of(attempt),
        reference=attempt.reference,
    )
    record(session, entry, at=at)
    return Refused(reason, codes.user_of(attempt), attempt.reference)


def end_by_event(session: Session, event: AccountUnlinked, *, at: datetime) -> LinkValue | None:
    """End the link that *event* speaks of; return it, or None where none stood.

    An end of which no beginning is known leaves a bare tombstone, so that an older ``linked`` that
    comes later does not stand.
    """
    link = rows.lock(session, event.page_id, event.psid)
    moment = _plausible(event.event_at, at)
    # At equal times the end wins: a link too few is a tap, a link too many a leak.
    stale = bool(link and moment < link.event_at)
    entry = Entry(
        page_id=event.page_id,
        psid=event.psid,
        status="unlinked",
        cause="superseded" if stale else "messenger",
        user=codes.user_of(link),
        reference=link.reference if link else None,
        event_at=event.event_at,
    )
    if not record(session, entry, at=at) or stale:
        return None
    if link is None:
        rows.add(session, _bare_tombstone(event, moment))
        return None
    link.event_at = moment
    if link.state == "linked":
        return _end(session, link, "messenger")
    rows.change(session, link)
    return None


def end(
    session: Session, page_id: PageId, psid: Psid, *, cause: str, at: datetime
) -> LinkValue | None:
    """End a link because the business says so; return it, or None where none stood.

    Telling Messenger is the caller's: it may not answer now.
    """
    link = rows.lock(session, page_id, psid)
    if link is None or link.state != "linked":
        return None
    link.ended_by_us_at = at
    entry = Entry(
        page_id=page_id,
        psid=psid,
        status="unlinked",
        cause=cause,
        user=codes.user_of(link),
        reference=link.reference,
    )
    record(session, entry, at=at)
    return _end(session, link, cause)


def find(session: Session, page_id: PageId, psid: Psid) -> LinkValue | None:
    """Return the link that stands between *page_id* and *psid*, if one does."""
    link = rows.find(session, page_id, psid)
    return value_of(link) if link and link.state == "linked" else None


def standing(
    session: Session, *, page: PageId | None, after: tuple[PageId, Psid] | None, most: int
) -> tuple[LinkValue, ...]:
    """Return up to *most* links that stand, in the order of their keys, those behind *after*."""
    query = select(Link).where(Link.state == "linked").order_by(Link.page_id, Link.psid)
    if page is not None:
        query = query.where(Link.page_id == page)
    if after is not None:
        query = query.where(tuple_(Link.page_id, Link.psid) > after)
    return tuple(value_of(link) for link in session.scalars(query.limit(most)))


def of_user(session: Session, user: User) -> tuple[LinkValue, ...]:
    """Return the links of *user* that stand."""
    theirs = (Link.issuer == user.issuer) & (Link.subject == user.subject)
    query = select(Link).where(theirs, Link.state == "linked").order_by(Link.page_id, Link.psid)
    return tuple(value_of(link) for link in session.scalars(query))


def value_of(link: Link | LinkRow) -> LinkValue:
    """Return *link* as a value that outlives its session."""
    return LinkValue(
        page_id=link.page_id,
        psid=link.psid,
        user=codes.user_of(link),
        display_name=link.display_name,
        messenger_name=link.messenger_name,
        state=link.state,
        version=link.version,
        event_at=link.event_at,
        cause=link.cause,
        reference=link.reference,
    )


def _make(
    session: Session, event: AccountLinked, attempt: Attempt, link: LinkRow | None, *, at: datetime
) -> Made | None:
    moment = _plausible(event.event_at, at)
    superseded = link is not None and moment <= link.event_at
    entry = _entry(event, attempt, "linked", cause="superseded" if superseded else "messenger")
    record(session, entry, at=at)
    name, attempt.messenger_name = attempt.messenger_name, None
    attempt.ended_as, attempt.reason = "linked", None
    if superseded:
        return None
    replaced = _loser(session, event, link, attempt, at=at)
    made = LinkRow(
        page_id=event.page_id,
        psid=event.psid,
        issuer=attempt.issuer,
        subject=attempt.subject,
        display_name=attempt.display_name,
        messenger_name=name,
        state="linked",
        version=link.version + 1 if link else 1,
        event_at=moment,
        ended_by_us_at=link.ended_by_us_at if link else None,
        cause="messenger",
        reference=attempt.reference,
    )
    (rows.change if link else rows.add)(session, made)
    return Made(value_of(made), replaced, codes.was_opened_elsewhere(session, attempt))


def _loser(
    session: Session, event: AccountLinked, link: LinkRow | None, attempt: Attempt, *, at: datetime
) -> User | None:
    """Return the other user whose link is being replaced, after recording the loss."""
    if link is None or link.state != "linked":
        return None
    loser = codes.user_of(link)
    if loser is None or loser == codes.user_of(attempt):
        return None
    entry = Entry(
        page_id=event.page_id,
        psid=event.psid,
        status="replaced",
        cause="replaced",
        user=loser,
        reference=link.reference,
        event_at=event.event_at,
    )
    record(session, entry, at=at)
    return loser


def _is_repeat(session: Session, event: AccountLinked, spent: Attempt | None) -> bool:
    """Tell whether *event*, whose code was *spent*, is one that we have acted on."""
    if spent is None:
        # History remembers for longer than attempts are kept.
        return is_known(session, _entry(event, None, "linked", cause="messenger"))
    return spent.ended_as == "linked" and codes.is_for(spent, event)


def _refuse(
    session: Session, event: AccountLinked, attempt: Attempt | None, reason: str, *, at: datetime
) -> Refused | None:
    if not record(session, _entry(event, attempt, "refused", cause=reason), at=at):
        return None
    return Refused(reason, codes.user_of(attempt), attempt.reference if attempt else None)


def _entry(event: AccountLinked, attempt: Attempt | None, status: str, *, cause: str) -> Entry:
    return Entry(
        page_id=event.page_id,
        psid=event.psid,
        status=status,
        cause=cause,
        user=codes.user_of(attempt),
        reference=attempt.reference if attempt else None,
        event_at=event.event_at,
    )


def _end(session: Session, link: LinkRow, cause: str) -> LinkValue:
    link.state, link.cause, link.version, link.change = "ended", cause, link.version + 1, None
    ended = value_of(link)
    # The notice still says who it was; the tombstone needs numbers only (security.md R112).
    link.display_name = link.messenger_name = None
    rows.change(session, link)
    return ended


def _bare_tombstone(event: AccountUnlinked, moment: datetime) -> LinkRow:
    return LinkRow(
        page_id=event.page_id,
        psid=event.psid,
        state="ended",
        version=0,
        event_at=moment,
        cause="messenger",
    )


def _plausible(event_at: datetime, arrived_at: datetime) -> datetime:
    """Return the time that orders an event: one too far ahead counts as its arrival."""
    return arrived_at if event_at > arrived_at + MOST_AHEAD else event_at
