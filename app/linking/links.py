"""The pair that stands: made by a code that Messenger brings back, ended, replaced.

Nothing here commits, and every function may be run twice by `Writer.write`. The present state of a
(page, PSID) follows Meta's event times; our own endings are remembered beside them.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.linking import authorization_codes, link_rows, values
from app.linking.history import Entry, is_known, record
from app.linking.link_rows import LinkRow
from app.linking.models import Attempt
from app.linking.values import LinkValue, Made, Refused, User, value_of
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import PageId, Psid

# A later event time cannot be true, and would make a link that nothing ends.
MOST_AHEAD: Final = timedelta(minutes=15)


def redeem(session: Session, event: AccountLinked, *, at: datetime) -> Made | Refused | None:
    """Spend the code of *event*, and make its link the one that stands.

    Messenger repeats what it thinks we missed: a repeat is None and changes nothing, and so is an
    event older than what stands. A refusal is a value: to raise would roll back, and leave the
    code unburnt.
    """
    attempt = authorization_codes.burn(session, event.authorization_code, at=at)
    if attempt is None:
        spent = authorization_codes.spent(session, event.authorization_code)
        if _is_repeat(session, event, spent):
            return None
        return _refuse(session, event, spent, authorization_codes.why_worthless(spent), at=at)
    link = link_rows.lock(session, event.page_id, event.psid)
    reason = authorization_codes.misfit(attempt, event, link)
    if reason is not None:
        attempt.reason, attempt.messenger_name = reason, None
        return _refuse(session, event, attempt, reason, at=at)
    return _make(session, event, attempt, link, at=at)


def burn(session: Session, authorization_code: str | None, reason: str, *, at: datetime) -> Refused:
    """Burn a code that came in an event that makes no link: whoever sent it knows it now."""
    attempt = (
        authorization_codes.burn(session, authorization_code, at=at) if authorization_code else None
    )
    if attempt is None or attempt.psid is None:
        return Refused(reason, None, None)
    attempt.reason, attempt.messenger_name = reason, None
    # The event may lack a page, a person or a time: the attempt's are known.
    entry = Entry(
        page_id=attempt.page_id,
        psid=attempt.psid,
        status="refused",
        cause=reason,
        user=values.user_of(attempt),
        reference=attempt.reference,
    )
    record(session, entry, at=at)
    return Refused(reason, values.user_of(attempt), attempt.reference)


def end_by_event(session: Session, event: AccountUnlinked, *, at: datetime) -> LinkValue | None:
    """End the link that *event* speaks of; return it, or None where none stood.

    An end of which no beginning is known leaves a bare tombstone, so that an older ``linked`` that
    comes later does not stand.
    """
    link = link_rows.lock(session, event.page_id, event.psid)
    moment = _plausible(event.event_at, at)
    # At equal times the end wins: a link too few is a tap, a link too many a leak.
    stale = bool(link and moment < link.event_at)
    entry = Entry(
        page_id=event.page_id,
        psid=event.psid,
        status="unlinked",
        cause="superseded" if stale else "messenger",
        user=values.user_of(link),
        reference=link.reference if link else None,
        event_at=event.event_at,
    )
    if not record(session, entry, at=at) or stale:
        return None
    if link is None:
        link_rows.add(session, _bare_tombstone(event, moment))
        return None
    link.event_at = moment
    if link.state == "linked":
        return _end(session, link, "messenger")
    link_rows.change(session, link)
    return None


def end(
    session: Session, page_id: PageId, psid: Psid, *, cause: str, at: datetime
) -> LinkValue | None:
    """End a link because the business says so; return it, or None where none stood.

    Telling Messenger is the caller's: it may not answer now.
    """
    link = link_rows.lock(session, page_id, psid)
    if link is None or link.state != "linked":
        return None
    link.ended_by_us_at = at
    entry = Entry(
        page_id=page_id,
        psid=psid,
        status="unlinked",
        cause=cause,
        user=values.user_of(link),
        reference=link.reference,
    )
    record(session, entry, at=at)
    return _end(session, link, cause)


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
    (link_rows.change if link else link_rows.add)(session, made)
    return Made(
        value_of(made), replaced, authorization_codes.was_opened_elsewhere(session, attempt)
    )


def _loser(
    session: Session, event: AccountLinked, link: LinkRow | None, attempt: Attempt, *, at: datetime
) -> User | None:
    """Return the other user whose link is being replaced, after recording the loss."""
    if link is None or link.state != "linked":
        return None
    loser = values.user_of(link)
    if loser is None or loser == values.user_of(attempt):
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
    return spent.ended_as == "linked" and authorization_codes.is_for(spent, event)


def _refuse(
    session: Session, event: AccountLinked, attempt: Attempt | None, reason: str, *, at: datetime
) -> Refused | None:
    if not record(session, _entry(event, attempt, "refused", cause=reason), at=at):
        return None
    return Refused(reason, values.user_of(attempt), attempt.reference if attempt else None)


def _entry(event: AccountLinked, attempt: Attempt | None, status: str, *, cause: str) -> Entry:
    return Entry(
        page_id=event.page_id,
        psid=event.psid,
        status=status,
        cause=cause,
        user=values.user_of(attempt),
        reference=attempt.reference if attempt else None,
        event_at=event.event_at,
    )


def _end(session: Session, link: LinkRow, cause: str) -> LinkValue:
    link.state, link.cause, link.version, link.change = "ended", cause, link.version + 1, None
    ended = value_of(link)
    # The notice still says who it was; the tombstone needs numbers only (security.md R112).
    link.display_name = link.messenger_name = None
    link_rows.change(session, link)
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
