"""Invitations in the state in which a test begins, and what a chat does with them."""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.accounts.rate_limit_keys import RateLimitKeys
from app.linking import (
    chat_questions,
    invitation_answers,
    invitation_claims,
    invitation_secrets,
    invitations,
)
from app.linking.chat_questions import Named, ToAsk
from app.linking.invitation_claims import ChatRules
from app.linking.invitation_models import Invitation
from app.linking.invitation_outcomes import InvitationOutcome
from app.linking.invitation_rows import Owner
from app.linking.invitations import Created, Offer
from app.linking.values import NameOutcome, User
from app.messenger.invitation_events import Answer, Claim, Via
from app.messenger.types import PageId, Psid
from tests.installation import ANA, NOON, PAGE
from tests.linking.factories import SECOND

KEY: Final = "0123456789abcdef0123456789abcdef-of-tests"
OLD_KEY: Final = "fedcba9876543210fedcba9876543210-of-tests"
LIMITS: Final = RateLimitKeys(b"tests")
RULES: Final = ChatRules(
    max_links=5, tells_bot=True, secret_keys=(KEY, OLD_KEY), rate_limit_keys=LIMITS
)
# Of a provider, so that no account is needed.
USER: Final = User("https://login.example.org", "jane")
ELSE: Final = User("https://login.example.org", "omar")
OWNER: Final = Owner(session_id="s" * 22)
SECRET: Final = "secret of the browser"
NAMED: Final = Named("Ana Berg", NameOutcome.NAMED)
NAMELESS: Final = Named(None, NameOutcome.WITHHELD)
DIGITS: Final = "759001"


def offer(user: User = USER, page_id: PageId = PAGE, resume: str | None = None) -> Offer:
    return Offer(
        page_id=page_id, user=user, display_name="j•••@example.com", language="en", resume=resume
    )


def invited(
    session: Session,
    *,
    user: User = USER,
    owner: Owner = OWNER,
    resume: str | None = None,
    at: datetime = NOON,
) -> Created:
    """Make an invitation of a browser session."""
    return invitations.create_for_session(
        session,
        offer(user, resume=resume),
        LIMITS.invitations(user.issuer, user.subject),
        session_id=owner.session_id or "",
        browser_secret=SECRET,
        secret_key=KEY,
        at=at,
    )


def claims(  # noqa: PLR0913 - each is what a test is about
    session: Session,
    created: Created,
    *,
    psid: Psid = ANA,
    page_id: PageId = PAGE,
    typed: bool = False,
    event_at: datetime = NOON,
    at: datetime | None = None,
    rules: ChatRules = RULES,
) -> InvitationOutcome:
    """Bring ref or code from the chat of *psid*."""
    via: Via = "typed" if typed else "existing_thread"
    ref = None if typed else created.secrets.ref
    code = created.secrets.code if typed else None
    event = Claim(page_id, psid, event_at, via, ref, code)
    return invitation_claims.claim(session, event, rules=rules, at=at or event_at)


def row(session: Session, created: Created) -> Invitation:
    return session.get_one(Invitation, created.status.id, populate_existing=True)


def asked(
    session: Session,
    created: Created,
    *,
    named: Named = NAMED,
    digits: str | None = None,
    at: datetime = NOON,
) -> bool:
    """Ask as the worker does; return whether the question is to be sent."""
    whom = chat_questions.to_ask(session, created.status.id, at=at)
    assert isinstance(whom, ToAsk)
    number = row(session, created).asks + 1
    is_to_send = chat_questions.prepare(
        session,
        whom,
        number,
        named,
        digits=digits,
        secret_key=KEY,
        rate_limit_keys=LIMITS,
        at=at,
    )
    if is_to_send:
        chat_questions.record_sent(session, created.status.id, at=at)
    return is_to_send


def answers(  # noqa: PLR0913 - each is what a test is about
    session: Session,
    created: Created,
    *,
    yes: bool = True,
    psid: Psid = ANA,
    page_id: PageId = PAGE,
    event_at: datetime = NOON + SECOND,
    at: datetime | None = None,
) -> InvitationOutcome:
    """Tap Yes or No in the chat of *psid*."""
    nonce = invitation_secrets.nonce_for(created.status.id, KEY)
    event = Answer(page_id, psid, event_at, nonce, yes)
    return invitation_answers.answer(session, event, rules=RULES, at=at or event_at)


def accepted(  # noqa: PLR0913 - each is what a test is about
    session: Session,
    *,
    user: User = USER,
    owner: Owner = OWNER,
    psid: Psid = ANA,
    resume: str | None = None,
    at: datetime = NOON,
) -> Created:
    """Bring an invitation to the chat's Yes."""
    created = invited(session, user=user, owner=owner, resume=resume, at=at)
    claims(session, created, psid=psid, event_at=at)
    asked(session, created, at=at)
    answers(session, created, psid=psid, event_at=at + SECOND)
    return created
