"""The consents to an invitation that come from its page: digits, and Connect.

The chat's own consent, by a tap, is in `app.linking.invitation_answers`. A link needs both sides
(R126). Nothing here commits.
"""

import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.accounts import local, proofs, rate_limiter
from app.accounts.rate_limit_keys import RateLimitKeys
from app.linking import chat_messages, invitation_links, invitation_rows, invitation_secrets
from app.linking.chat_messages import Text
from app.linking.invitation_errors import (
    InvitationOver,
    NotAccepted,
    NothingToAsk,
    QuestionChanged,
    WrongDigits,
)
from app.linking.invitation_links import Confirmed, InvitationRules, Refusal
from app.linking.invitation_rows import Owner
from app.linking.invitation_status import InvitationStatus, status_of
from app.linking.values import ACCOUNT_CLOSED, WRONG_DIGITS

# A guess is right once in a million; the chat's profile has a limit of its own beside it.
MOST_TRIED: Final = 5


def enter_digits(  # noqa: PLR0913 - the digits, and who says them
    session: Session,
    invitation_id: str,
    owner: Owner,
    typed: str,
    *,
    secret_keys: Sequence[str],
    rate_limit_keys: RateLimitKeys,
    rules: InvitationRules,
    at: datetime,
) -> InvitationStatus | WrongDigits | Refusal:
    """Take the digits that the chat was sent as its consent; the fifth wrong try ends it.

    A wrong try is returned, not raised, since it must be committed.

    Raises:
        InvitationUnknown: There is none, or it is not *owner*'s.
        InvitationOver: It has ended, has expired, or was handed over to a browser.
        NothingToAsk: No digits were sent.
        RateLimited: Too many digits were tried for one Messenger profile.
    """
    row = invitation_rows.lock_running(session, invitation_id, owner, at=at)
    if row.accepted_at is not None:
        # A second click, or a repeat after a lost answer.
        return status_of(row, at)
    if row.digits_hash is None or row.psid is None:
        raise NothingToAsk
    counters = rate_limit_keys.digits_tried(row.page_id, row.psid)
    hit = rate_limiter.hit(session, counters, at=at)
    hashes = invitation_secrets.digits_hashes(typed, row.id, secret_keys)
    if any(hmac.compare_digest(row.digits_hash, each) for each in hashes):
        rate_limiter.refund(session, hit)
        # Meta's time of the claim: no event of Meta's says when digits are typed.
        row.accepted_at, row.accept_event_at = at, row.claim_event_at
        return status_of(row, at)
    row.digits_tried += 1
    if row.digits_tried < MOST_TRIED:
        return WrongDigits()
    invitation_links.refuse(session, row, WRONG_DIGITS, rules=rules, at=at)
    return Refusal.WRONG_DIGITS


def confirm(  # noqa: PLR0913 - the consent, and by what rules
    session: Session,
    invitation_id: str,
    owner: Owner,
    *,
    is_answer_to: Callable[[InvitationStatus], bool],
    rules: InvitationRules,
    at: datetime,
) -> Confirmed | Refusal:
    """Make the link: the user agrees, after the chat has.

    *is_answer_to* tells whether the request answers the question that the status asks; a page
    compares `question_digest`. Link, history, notice and the message in the chat are one
    transaction. A second Connect gets the same link, and makes no second notice.

    Raises:
        InvitationUnknown: There is none, or it is not *owner*'s.
        InvitationOver: It has ended, has expired, or was handed over to a browser.
        NotAccepted: The chat has not agreed yet.
        QuestionChanged: What was answered is not what is asked now.
        TooManyLinks: The user has as many links as the operator allows besides this one.
    """
    row = invitation_rows.lock(session, invitation_id, owner)
    if row.ended_as == "linked":
        return invitation_links.made_before(session, row)
    status = status_of(row, at)
    if status.is_over:
        raise InvitationOver
    if status.state != "accepted":
        raise NotAccepted
    if not is_answer_to(status):
        raise QuestionChanged
    if row.issuer == local.ISSUER and not proofs.is_active(session, row.subject):
        invitation_links.refuse(session, row, ACCOUNT_CLOSED, rules=rules, at=at)
        chat_messages.say_in_chat(session, row, Text.ACCOUNT_CLOSED, at=at)
        return Refusal.ACCOUNT_CLOSED
    return invitation_links.make(session, row, rules=rules, at=at)


def question_digest(status: InvitationStatus, *, key: bytes) -> str:
    """Return the digest, in hex, of all that a person has to know before they press Connect.

    That is: whose account, and which Messenger profile by which name, or that it has none.
    """
    asked = (
        status.id,
        status.user.issuer,
        status.user.subject,
        status.psid or "",
        status.messenger_name or "",
        status.name_outcome or "",
    )
    parts = "".join(f"{len(part)}:{part}" for part in asked)
    return hmac.digest(key, parts.encode(), "sha256").hex()
