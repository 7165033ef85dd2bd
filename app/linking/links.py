"""Links: made by a code that Messenger brings back, replaced, and ended.

The present state of a (page, PSID) follows Meta's event times; the times at which we ended links
ourselves are kept beside them.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.linking import authorization_codes, history, link_rows
from app.linking.models import Attempt
from app.linking.values import LinkValue, Made, Refused, User
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import PageId, Psid

# A later event time cannot be true, and would make a link that nothing ends.
MOST_AHEAD: Final = timedelta(minutes=15)


def redeem(session: Session, event: AccountLinked, *, at: datetime) -> Made | Refused | None:
    """Burn the code of *event*, and make its link the present one.

    Messenger repeats events that it thinks were missed: for a repeat, and for an event older than
    the present state, nothing changes and None is returned. A refusal is a value: to raise would
    roll back, and leave the code unburnt.
    """
    attempt = authorization_codes.burn(session, event.authorization_code, at=at)
    if attempt is None:
        spent = authorization_codes.spent(session, event.authorization_code)
        if _is_repeat(session, event, spent):
            return None
        return _refuse(
            session, event, spent, authorization_codes.why_worthless(spent, event), at=at
        )
    link = link_rows.lock(session, event.page_id, event.psid)
    reason = authorization_codes.misfit(attempt, event, link)
    if reason is not None:
        attempt.reason = reason
        return _refuse(session, event, attempt, reason, at=at)
    return _make(session, event, attempt, link, at=at)


def burn(session: Session, authorization_code: str | None, reason: str, *, at: datetime) -> Refused:
    """Burn a code of an event that makes no link: the sender of the event knows it now."""
    attempt = (
        authorization_codes.burn(session, authorization_code, at=at) if authorization_code else None
    )
    if attempt is None or attempt.psid is None:
        return Refused(reason, None, None)
    attempt.reason = reason
    attempt.forget_person()
    # The event may lack a page, a person or a time: the attempt's are known.
    page_id, psid = attempt.page_id, attempt.psid
    history.record(session, page_id, psid, "refused", cause=reason, of=attempt, at=at)
    return Refused(reason, attempt.user, attempt.reference)


def end_by_event(session: Session, event: AccountUnlinked, *, at: datetime) -> LinkValue | None:
    """End the link of *event*; return its last state, None where the person was not linked.

    An end of which no beginning is known leaves a bare tombstone, so that an older ``linked`` event
    that arrives later makes no link.
    """
    link = link_rows.lock(session, event.page_id, event.psid)
    moment = plausible(event.event_at, at)
    # At equal times the end wins: a link too few is a tap, a link too many a leak.
    is_stale = bool(link and moment < link.event_at)
    is_new = history.record(
        session,
        event.page_id,
        event.psid,
        "unlinked",
        cause="superseded" if is_stale else "messenger",
        of=link,
        event_at=event.event_at,
        at=at,
    )
    if not is_new or is_stale:
        return None
    if link is None:
        link_rows.add(session, _bare_tombstone(event, moment))
        return None
    link = replace(link, event_at=moment)
    if link.state == "linked":
        return end_row(session, link, "messenger")
    link_rows.change(session, link)
    return None


def end(
    session: Session, page_id: PageId, psid: Psid, *, cause: str, at: datetime
) -> LinkValue | None:
    """End a link for the business; return its last state, None where the person was not linked.

    The caller has Messenger informed.
    """
    link = link_rows.lock(session, page_id, psid)
    if link is None or link.state != "linked":
        return None
    history.record(session, page_id, psid, "unlinked", cause=cause, of=link, at=at)
    return end_row(session, replace(link, ended_by_us_at=at), cause)


def _make(
    session: Session,
    event: AccountLinked,
    attempt: Attempt,
    present: LinkValue | None,
    *,
    at: datetime,
) -> Made | None:
    moment = plausible(event.event_at, at)
    is_superseded = present is not None and moment <= present.event_at
    cause = "superseded" if is_superseded else "messenger"
    _record(session, event, "linked", cause=cause, of=attempt, at=at)
    name, state_ref = attempt.messenger_name, attempt.state_ref
    attempt.forget_person()
    attempt.ended_as, attempt.reason = "linked", None
    if is_superseded:
        return None
    replaced = _replaced_user(session, event, present, attempt, at=at)
    made = LinkValue(
        page_id=event.page_id,
        psid=event.psid,
        issuer=attempt.issuer,
        subject=attempt.subject,
        display_name=attempt.display_name,
        messenger_name=name,
        state="linked",
        version=present.version + 1 if present else 1,
        event_at=moment,
        ended_by_us_at=present.ended_by_us_at if present else None,
        cause="messenger",
        reference=attempt.reference,
    )
    (link_rows.change if present else link_rows.add)(session, made)
    elsewhere = authorization_codes.was_opened_elsewhere(session, attempt)
    return Made(made, replaced, elsewhere, state_ref)


def _replaced_user(
    session: Session,
    event: AccountLinked,
    present: LinkValue | None,
    attempt: Attempt,
    *,
    at: datetime,
) -> User | None:
    """Return the other user whose link is being replaced, after recording it; None for no other."""
    if present is None or present.state != "linked" or present.user in {None, attempt.user}:
        return None
    _record(session, event, "replaced", cause="replaced", of=present, at=at)
    return present.user


def _is_repeat(session: Session, event: AccountLinked, spent: Attempt | None) -> bool:
    """Return whether *event*, whose code is that of *spent*, has been acted on before."""
    if spent is None:
        # History is kept for longer than attempts.
        page_id, psid = event.page_id, event.psid
        return history.is_known(session, page_id, psid, "linked", event_at=event.event_at)
    return spent.ended_as == "linked" and authorization_codes.is_for(spent, event)


def _refuse(
    session: Session, event: AccountLinked, attempt: Attempt | None, reason: str, *, at: datetime
) -> Refused | None:
    is_new = _record(session, event, "refused", cause=reason, of=attempt, at=at)
    if attempt is None:
        return Refused(reason, None, None) if is_new else None
    state_ref = attempt.state_ref if authorization_codes.is_for(attempt, event) else None
    attempt.forget_person()
    return Refused(reason, attempt.user, attempt.reference, state_ref) if is_new else None


def _record(  # noqa: PLR0913 - the columns of one row
    session: Session,
    event: AccountLinked,
    status: str,
    *,
    cause: str,
    of: Attempt | LinkValue | None,
    at: datetime,
) -> bool:
    return history.record(
        session,
        event.page_id,
        event.psid,
        status,
        cause=cause,
        of=of,
        event_at=event.event_at,
        at=at,
    )


def end_row(session: Session, link: LinkValue, cause: str) -> LinkValue:
    """End *link*, whose row is locked; return its last state, with its names."""
    ended = replace(link, state="ended", cause=cause, version=link.version + 1, change=None)
    # The notice still needs the names; the tombstone needs numbers only (R112).
    link_rows.change(session, replace(ended, display_name=None, messenger_name=None))
    return ended


def _bare_tombstone(event: AccountUnlinked, moment: datetime) -> LinkValue:
    return LinkValue(
        page_id=event.page_id,
        psid=event.psid,
        state="ended",
        version=0,
        event_at=moment,
        cause="messenger",
    )


def plausible(event_at: datetime, arrived_at: datetime) -> datetime:
    """Return the time that orders an event: one too far ahead counts as its arrival."""
    return arrived_at if event_at > arrived_at + MOST_AHEAD else event_at
