"""The status of an invitation, derived from its row and the clock; nothing here changes a row."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking.invitation_errors import InvitationUnknown
from app.linking.invitation_models import Invitation
from app.linking.values import NameOutcome, User
from app.messenger.types import PageId, Psid

# To be claimed after the creation, and to be finished after the claim.
CLAIM_WITHIN: Final = timedelta(minutes=10)
FINISH_WITHIN: Final = timedelta(minutes=5)

# Reasons of refusals. Those of a check at the claim are said in the chat alone: else the sender of
# a link would learn by one tap whether somebody is a customer. For that reason OTHER_ACCOUNT ends
# nothing at the claim: the page waits for an answer, as for anybody's.
EXPIRED: Final = "expired"
UNREADABLE: Final = "unreadable"
REPLAYED: Final = "replayed"
CLAIMED_TWICE: Final = "claimed twice"
SPENT: Final = "spent"
OTHER_ACCOUNT: Final = "other account"
TOO_MANY_LINKS: Final = "too many links"
TOO_MANY_QUESTIONS: Final = "too many questions"
SUPERSEDED: Final = "superseded"
# With the end "linked": this profile was this user's already.
ALREADY_CONNECTED: Final = "already connected"
# Of an invitation that goes on: Messenger took no question of ours. Beside it only OTHER_ACCOUNT.
CHAT_REFUSED: Final = "chat_refused"

_SAID_IN_CHAT_ALONE: Final = frozenset(
    {UNREADABLE, REPLAYED, OTHER_ACCOUNT, TOO_MANY_LINKS, TOO_MANY_QUESTIONS}
)

State = Literal[
    "open",
    "claimed",
    "accepted",
    "linked",
    "declined",
    "cancelled",
    "refused",
    "expired",
]
RUNNING: Final = frozenset({"open", "claimed", "accepted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationStatus:
    """The state of an invitation, with all that its pages and the API show."""

    id: str
    reference: str
    page_id: PageId
    state: State
    # None also where a check at the claim refused: the chat alone is told.
    reason: str | None
    user: User
    display_name: str | None
    language: str
    # None before the chat has agreed: a tap alone tells nobody who tapped (R126).
    psid: Psid | None
    messenger_name: str | None
    name_outcome: NameOutcome | None
    # Six digits were sent to the chat that claimed it, and are to be entered on the page.
    needs_digits: bool
    # The question was sent to the chat; how often.
    asks: int
    claimed_via: str | None
    created_at: datetime
    # When it can no longer be claimed or, once it is claimed, finished.
    expires_at: datetime
    # The browser session that can go on with it; None: the API key that made it.
    session_id: str | None
    api_key_id: str | None

    @property
    def is_over(self) -> bool:
        """True when nobody can go on."""
        return self.state not in RUNNING


def state_of(invitation: Invitation, at: datetime) -> State:
    """Return the state of *invitation* at *at*."""
    if invitation.ended_as is not None:
        # Whoever claims too late is told so, and nobody else could claim it any more.
        if invitation.reason == EXPIRED:
            return "expired"
        return invitation.ended_as  # type: ignore[return-value]  # the column holds four of them
    # Either way: a clock that stepped back must not make an invitation live longer.
    since = invitation.claimed_at or invitation.created_at
    if abs(at - since) >= (FINISH_WITHIN if invitation.claimed_at else CLAIM_WITHIN):
        return "expired"
    if invitation.accepted_at is not None:
        return "accepted"
    return "open" if invitation.psid is None else "claimed"


def status_of(invitation: Invitation, at: datetime) -> InvitationStatus:
    """Return the status of *invitation* at *at*."""
    state = state_of(invitation, at)
    has_agreed = state in {"accepted", "linked"}
    outcome = invitation.name_outcome
    since = invitation.claimed_at or invitation.created_at
    return InvitationStatus(
        id=invitation.id,
        reference=invitation.reference,
        page_id=invitation.page_id,
        state=state,
        reason=_told_reason(invitation),
        user=invitation.user,
        display_name=invitation.display_name,
        language=invitation.language,
        psid=invitation.psid if has_agreed else None,
        messenger_name=invitation.messenger_name if has_agreed else None,
        name_outcome=NameOutcome(outcome) if outcome and has_agreed else None,
        needs_digits=state == "claimed" and invitation.digits_hash is not None,
        asks=invitation.asks,
        claimed_via=invitation.claimed_via,
        created_at=invitation.created_at,
        expires_at=since + (FINISH_WITHIN if invitation.claimed_at else CLAIM_WITHIN),
        session_id=invitation.session_id,
        api_key_id=invitation.api_key_id,
    )


def _told_reason(invitation: Invitation) -> str | None:
    # Who has agreed has seen the question, and learns nothing new.
    is_told = invitation.accepted_at or invitation.reason not in _SAID_IN_CHAT_ALONE
    return invitation.reason if is_told else None


def read_by_id(session: Session, invitation_id: str, *, at: datetime) -> InvitationStatus:
    """Return the status of the invitation *invitation_id*, whoever made it.

    Raises:
        InvitationUnknown: There is none.
    """
    invitation = session.get(Invitation, invitation_id)
    if invitation is None:
        raise InvitationUnknown
    return status_of(invitation, at)


def read_by_session(session: Session, session_id: str, *, at: datetime) -> InvitationStatus | None:
    """Return the status of the newest invitation of a browser session; None before there is one."""
    theirs = select(Invitation).where(Invitation.session_id == session_id)
    newest = theirs.order_by(Invitation.created_at.desc(), Invitation.id).limit(1)
    invitation = session.scalar(newest)
    return None if invitation is None else status_of(invitation, at)
