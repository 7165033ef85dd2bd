"""Invitations claimed by a chat, which brings their ref or code.

Messenger waits for this: it takes few statements, and what is said in the chat is said by the
worker. Nothing here commits, and every function may be run twice by `Writer.write`. A refusal is a
value: to raise would roll back, and leave the secret usable.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from app.accounts import local, proofs, rate_limiter
from app.accounts.rate_limit_keys import RateLimitKeys
from app.accounts.rate_limiter import RateLimited
from app.accounts.rate_limits import CODES_OF_PAGE
from app.linking import chat_messages, invitation_links
from app.linking.chat_messages import Text
from app.linking.invitation_links import InvitationRules, refuse
from app.linking.invitation_models import Invitation
from app.linking.invitation_outcomes import (
    NOTHING,
    Claimed,
    InvitationOutcome,
    InvitationRefused,
    NotACode,
)
from app.linking.invitation_secrets import code_hashes, secret_hash
from app.linking.invitation_status import (
    ALREADY_CONNECTED,
    CLAIM_WITHIN,
    CLAIMED_TWICE,
    EXPIRED,
    OTHER_ACCOUNT,
    REPLAYED,
    SPENT,
    TOO_MANY_LINKS,
    UNREADABLE,
    state_of,
)
from app.linking.models import Link
from app.linking.values import ACCOUNT_CLOSED
from app.messenger.invitation_events import Claim, UnusableClaim

# Meta's clock and ours may differ; nobody claims what was not made yet.
CLOCK_SKEW: Final = timedelta(seconds=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRules(InvitationRules):
    """The same settings, with what a code is looked up and counted by."""

    secret_keys: tuple[str, ...] = field(repr=False)
    rate_limit_keys: RateLimitKeys = field(repr=False)


def claim(session: Session, event: Claim, *, rules: ChatRules, at: datetime) -> InvitationOutcome:
    """Give the invitation of *event* to its chat, unless another chat has it (R128).

    One statement decides between two chats that bring the same secret.
    """
    if event.code is not None and (limited := _limited(session, event, rules, at)) is not None:
        return limited
    which = _which(event, rules)
    row = session.scalar(
        update(Invitation)
        .where(which, Invitation.psid.is_(None), Invitation.ended_at.is_(None))
        .values(
            psid=event.psid,
            claimed_at=at,
            claim_event_at=event.event_at,
            claimed_via=event.via,
            handoff_hash=None,
        )
        .returning(Invitation)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if row is None:
        return _not_claimed(session, event, which, rules=rules, at=at)
    return _checked(session, row, event, rules=rules, at=at)


def burn(
    session: Session, event: UnusableClaim, *, rules: ChatRules, at: datetime
) -> InvitationOutcome:
    """End the invitation whose ref came in an event that cannot be acted on."""
    which = (Invitation.ref_hash == secret_hash(event.ref)) & Invitation.psid.is_(None)
    row = session.scalar(select(Invitation).where(which).with_for_update())
    if row is None or row.ended_at is not None:
        return NOTHING
    refuse(session, row, UNREADABLE, rules=rules, at=at)
    return InvitationRefused(event.reason, row.reference)


def _checked(
    session: Session, row: Invitation, event: Claim, *, rules: ChatRules, at: datetime
) -> InvitationOutcome:
    """Return what becomes of *row*, which is the chat's of *event* now."""
    reason, text, is_same = _objection(session, row, event, rules, at)
    if is_same:
        row.end("linked", ALREADY_CONNECTED, at=at)
        chat_messages.say_in_chat(session, row, Text.ALREADY_CONNECTED, at=at)
        return Claimed(row.reference, event.via, again=True)
    if reason is None:
        chat_messages.enqueue_ask(session, row, at=at)
        return Claimed(row.reference, event.via)
    if reason == OTHER_ACCOUNT:
        # Not ended: its page would tell whoever has sent the link that somebody is a customer.
        # The worker tells the chat, and Connect would refuse as well (R127).
        row.reason = reason
        invitation_links.record_refusal(session, row, reason, rules=rules, at=at)
        chat_messages.enqueue_ask(session, row, at=at)
        return InvitationRefused(reason, row.reference)
    refuse(session, row, reason, rules=rules, at=at)
    if text is not None:
        chat_messages.say_in_chat(session, row, text, at=at)
    return InvitationRefused(reason, row.reference)


def _objection(  # noqa: PLR0911 - one for each check, in their order
    session: Session, row: Invitation, event: Claim, rules: ChatRules, at: datetime
) -> tuple[str | None, Text | None, bool]:
    """Return why the chat may not have *row*, what it is told, and whether it is theirs already."""
    if event.page_id != row.page_id:
        # A PSID means nothing on another page.
        row.psid = None
        return UNREADABLE, None, False
    if event.event_at < row.created_at - CLOCK_SKEW:
        return REPLAYED, None, False
    if abs(at - row.created_at) >= CLAIM_WITHIN:
        return EXPIRED, Text.EXPIRED, False
    if row.issuer == local.ISSUER and not proofs.is_active(session, row.subject):
        return ACCOUNT_CLOSED, Text.ACCOUNT_CLOSED, False
    holder, number = _holder_and_links(session, row)
    if holder is not None:
        is_same = holder == (row.issuer, row.subject)
        return (None if is_same else OTHER_ACCOUNT), None, is_same
    if number >= rules.max_links:
        return TOO_MANY_LINKS, Text.TOO_MANY_LINKS, False
    return None, None, False


def _holder_and_links(session: Session, row: Invitation) -> tuple[tuple[str, str] | None, int]:
    """Return the user to whom the chat is linked, if it is, and the user's number of links."""
    this = (Link.page_id == row.page_id) & (Link.psid == row.psid)
    theirs = (Link.issuer == row.issuer) & (Link.subject == row.subject)
    number = select(func.count()).where(theirs, Link.state == "linked").scalar_subquery()
    issuer = select(Link.issuer).where(this, Link.state == "linked").scalar_subquery()
    subject = select(Link.subject).where(this, Link.state == "linked").scalar_subquery()
    found_issuer, found_subject, links_now = session.execute(select(issuer, subject, number)).one()
    return None if found_issuer is None else (found_issuer, found_subject), links_now


def _not_claimed(
    session: Session,
    event: Claim,
    which: ColumnElement[bool],
    *,
    rules: ChatRules,
    at: datetime,
) -> InvitationOutcome:
    row = session.scalar(
        select(Invitation).where(which).with_for_update().execution_options(populate_existing=True)
    )
    if row is None:
        if event.code is None:
            return InvitationRefused("unknown", None)
        return _wrong_code(session, event, rules, at)
    if (row.page_id, row.psid) == (event.page_id, event.psid):
        return _same_again(session, row, event, at)
    return _other_chat(session, row, event, rules=rules, at=at)


def _wrong_code(
    session: Session, event: Claim, rules: ChatRules, at: datetime
) -> InvitationOutcome:
    # An unknown code is answered by nothing: no oracle, and no noise beside the bot.
    counters = rules.rate_limit_keys.typed_codes(event.page_id, event.psid)
    with suppress(RateLimited):
        rate_limiter.hit(session, counters, at=at)
    return NotACode(event.page_id, "unknown")


def _same_again(session: Session, row: Invitation, event: Claim, at: datetime) -> InvitationOutcome:
    if event.event_at == row.claim_event_at:
        # A repeat of Meta's.
        return NOTHING
    if state_of(row, at) == "claimed" and 0 < row.asks < chat_messages.MOST_ASKS:
        chat_messages.enqueue_ask(session, row, at=at)
        return Claimed(row.reference, event.via, again=True)
    if state_of(row, at) == "expired":
        chat_messages.say_in_chat(session, row, Text.EXPIRED, at=at)
    return NOTHING


def _other_chat(
    session: Session, row: Invitation, event: Claim, *, rules: ChatRules, at: datetime
) -> InvitationOutcome:
    """Act on a second chat that brings the secret of *row*: it has leaked (R129)."""
    state = state_of(row, at)
    is_same_page = event.page_id == row.page_id
    if state in {"claimed", "accepted"}:
        refuse(session, row, CLAIMED_TWICE, rules=rules, at=at)
        reason = CLAIMED_TWICE
    elif state == "linked":
        invitation_links.record_refusal(
            session, row, SPENT, event.psid if is_same_page else None, rules=rules, at=at
        )
        reason = SPENT
    else:
        reason = EXPIRED
    if is_same_page:
        chat_messages.say_in_chat(session, row, Text.EXPIRED, event.psid, at=at)
    return InvitationRefused(reason, row.reference)


def _limited(
    session: Session, event: Claim, rules: ChatRules, at: datetime
) -> InvitationOutcome | None:
    """Return the outcome of a code that is not looked up, None where it may be (R131)."""
    counters = rules.rate_limit_keys.typed_codes(event.page_id, event.psid)
    try:
        rate_limiter.check(session, counters, at=at)
    except RateLimited as exc:
        is_of_page = exc.limit == CODES_OF_PAGE.told_as
        return NotACode(event.page_id, "resting" if is_of_page else "too many")
    return None


def _which(event: Claim, rules: ChatRules) -> ColumnElement[bool]:
    if event.ref is not None:
        return Invitation.ref_hash == secret_hash(event.ref)
    hashes: Sequence[str] = code_hashes(event.code or "", rules.secret_keys)
    return Invitation.code_hash.in_(hashes)
