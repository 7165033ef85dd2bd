"""The use cases of linking: what pages, webhook and commands run by `Writer.write`.

Each is one transaction over attempts, links, accounts, rate limits and the outbox. They run on the
writer's thread, perhaps twice, so all that they need is passed in as values.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from sqlalchemy.orm import Session

from app.accounts import local, proofs, rate_limiter
from app.accounts.authenticators import CredentialsRefused
from app.accounts.identity import Identity
from app.accounts.rate_limit_keys import Counter, RateLimitKeys
from app.accounts.rate_limiter import Hit
from app.linking import attempts, chat_code, handlers, sign_in_names, voiding
from app.linking.attempt_status import AttemptStatus, status_of
from app.linking.chat_code import Sending
from app.linking.handlers import Policy
from app.linking.invitation_outcomes import NotACode
from app.linking.question import question_digest
from app.linking.renewal import RecordSignIn
from app.linking.values import (
    ACCOUNT_CLOSED,
    Outcome,
    Recognised,
    Ticket,
    User,
)
from app.messenger.events import Event
from app.messenger.types import PageId
from app.outbox.bot_webhooks import RawDelivery, item_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The form by which a browser confirms its attempt, digested."""

    # The digest of the question that the form answers, and the key of its digest.
    question: str = field(repr=False)
    question_key: bytes = field(repr=False)
    # The hash of the digits that were typed.
    digits_hash: str = field(repr=False)
    code_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRules:
    """The operator's settings for a consent."""

    max_links: int
    confirm_in_chat: str
    rate_limit_keys: RateLimitKeys


class NotConfirmed(Enum):
    """Why a consent was not accepted, where the reason must be committed: to raise undoes it."""

    ACCOUNT_CLOSED = auto()
    # The password is still the one that somebody else has set.
    PASSWORD_TO_CHOOSE = auto()
    # In another tab another user has signed in since, or the profile was connected.
    QUESTION_CHANGED = auto()
    WRONG_DIGITS = auto()


def open_attempt(  # noqa: PLR0913 - an attempt, by name
    session: Session,
    counters: Sequence[Counter],
    page_id: PageId,
    account_linking_token: str,
    *,
    attempt_id: str | None = None,
    state_ref: str | None = None,
    at: datetime,
) -> Ticket:
    """Open an attempt, unless *counters* have reached their limits; with *attempt_id*, if free.

    Raises:
        RateLimited: One of the limits is reached.
    """
    rate_limiter.hit(session, counters, at=at)
    return attempts.open_(
        session,
        page_id=page_id,
        account_linking_token=account_linking_token,
        at=at,
        attempt_id=attempt_id,
        state_ref=state_ref,
    )


def recognise(  # noqa: PLR0913 - the key is the ticket's
    session: Session,
    ticket: Ticket,
    person: Recognised,
    counted: Hit,
    *,
    renewal_key: bytes,
    at: datetime,
) -> None:
    """Record the *person* in Messenger, and refund the *counted* token, which Graph knows.

    The form may have been sent twice, and its other copy have signed in while Graph was asked.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    ticket = attempts.present_ticket(session, ticket, renewal_key=renewal_key, lock=True)
    attempts.recognise(session, ticket, person, at=at)
    rate_limiter.refund(session, counted)


def sign_in(  # noqa: PLR0913 - the two tickets are one step
    session: Session,
    ticket: Ticket,
    identity: Identity,
    successor: Ticket,
    counted: Hit,
    *,
    record: RecordSignIn = attempts.sign_in,
    name_hashes: Sequence[str],
    at: datetime,
) -> None:
    """Record who has signed in with a password, and refund the *counted* try.

    From now on *successor* is the ticket of the attempt, or of the browser session where *record*
    says so. *name_hashes* find the user again.

    Raises:
        CredentialsRefused: The account was disabled while the password was verified, or has
            another password since.
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
        SessionError: The browser session is unknown, expired or over.
    """
    if identity.issuer == local.ISSUER and not proofs.is_proven(session, identity):
        raise CredentialsRefused
    record(session, ticket, identity, successor, at=at)
    sign_in_names.remember(session, identity, name_hashes, at=at)
    rate_limiter.refund(session, counted)


def sign_in_by_provider(  # noqa: PLR0913 - the two tickets are one step
    session: Session,
    ticket: Ticket,
    identity: Identity,
    successor: Ticket,
    *,
    record: RecordSignIn = attempts.sign_in,
    name_hashes: Sequence[str],
    at: datetime,
) -> None:
    """Record who has signed in at a provider; from now on *successor* is the ticket.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
        SessionError: The browser session is unknown, expired or over.
    """
    record(session, ticket, identity, successor, at=at)
    sign_in_names.remember(session, identity, name_hashes, at=at)


def confirm(
    session: Session, ticket: Ticket, consent: Consent, rules: ConsentRules, *, at: datetime
) -> str | NotConfirmed:
    """Record the consent; return the authorization_code that carries it, or why there is none.

    Raises:
        RateLimited: Too many digits were tried for one Messenger profile.
        AttemptError: As `attempts.confirm` raises it.
    """
    # Locked: a user who signs in between the checks below and the consent would be asked nothing.
    status = status_of(session, ticket, at=at, lock=True)
    if status.user and _is_closed(session, status.user):
        voiding.void_of_user(session, status.user, ACCOUNT_CLOSED, at=at)
        return NotConfirmed.ACCOUNT_CLOSED
    if status.must_choose_password:
        return NotConfirmed.PASSWORD_TO_CHOOSE
    if status.state == "signed_in":
        asks_code = chat_code.is_needed(status, rules.confirm_in_chat)
        asked = question_digest(status, ticket, asks_code=asks_code, key=consent.question_key)
        if not hmac.compare_digest(consent.question.encode(), asked.encode()):
            return NotConfirmed.QUESTION_CHANGED
        if asks_code and not _digits_fit(session, ticket, consent, rules, status, at=at):
            return NotConfirmed.WRONG_DIGITS
    return attempts.confirm(
        session, ticket, code_key=consent.code_key, max_links=rules.max_links, at=at
    )


def begin_sending_digits(  # noqa: PLR0913 - the digits, and what they count for
    session: Session,
    ticket: Ticket,
    counters: Sequence[Counter],
    digits_hash: str,
    *,
    is_first: bool,
    at: datetime,
) -> Sending | None:
    """Ask for digits that are about to be sent, and count them, in the attempt and by *counters*.

    None where *is_first*, and others are asked for already.

    Raises:
        DigitsSentTooOften: The attempt has had as many messages as it may have.
        RateLimited: One of the limits is reached.
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
    """
    sending = chat_code.begin_sending(session, ticket, digits_hash, is_first=is_first, at=at)
    if sending is not None:
        rate_limiter.hit(session, counters, at=at)
    return sending


def take_in(  # noqa: PLR0913 - the events, and what becomes of their delivery
    session: Session,
    events: Sequence[Event],
    passed_on: RawDelivery | None,
    *,
    unless_used: bool = False,
    policy: Policy,
    at: datetime,
) -> tuple[Outcome, ...]:
    """Handle the *events* of one delivery in their order, and queue it for the bot.

    With *unless_used* only if one of the events was not ours after all.
    """
    outcomes = handlers.handle_all(session, events, policy=policy, at=at)
    if passed_on and not (unless_used and are_used(outcomes)):
        item_of(passed_on, at=at)(session)
    return outcomes


def are_used(outcomes: Sequence[Outcome]) -> bool:
    """Return whether each event was ours: a text that only looks like a code is the bot's."""
    return not any(isinstance(outcome, NotACode) for outcome in outcomes)


def _is_closed(session: Session, user: User) -> bool:
    return user.issuer == local.ISSUER and not proofs.is_active(session, user.subject)


def _digits_fit(  # noqa: PLR0913 - two of the six are one consent
    session: Session,
    ticket: Ticket,
    consent: Consent,
    rules: ConsentRules,
    status: AttemptStatus,
    *,
    at: datetime,
) -> bool:
    """Return whether the right digits were typed; a wrong guess counts."""
    counters = rules.rate_limit_keys.digits_tried(status.page_id, status.psid or "")
    hit = rate_limiter.hit(session, counters, at=at)
    is_right = chat_code.match(session, ticket, consent.digits_hash, at=at)
    if is_right:
        rate_limiter.refund(session, hit)
    return is_right
