"""Rows of invitations: found for their owner, locked, and made room for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.linking.attempts import new_id
from app.linking.invitation_errors import InvitationOver, InvitationUnknown
from app.linking.invitation_models import Invitation
from app.linking.invitation_status import CLAIM_WITHIN, FINISH_WITHIN, state_of, status_of
from app.linking.models import Attempt
from app.linking.references import reference_of
from app.linking.values import User

MOST_OPEN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whoever may go on with an invitation: one browser session, or one API key."""

    session_id: str | None = None
    api_key_id: str | None = None


def find(session: Session, invitation_id: str, owner: Owner) -> Invitation:
    """Return the invitation *invitation_id* of *owner*.

    Raises:
        InvitationUnknown: There is none, or it is not *owner*'s.
    """
    invitation = session.get(Invitation, invitation_id)
    if invitation is None or not _is_of(invitation, owner):
        raise InvitationUnknown
    return invitation


def lock(session: Session, invitation_id: str, owner: Owner) -> Invitation:
    """Return the same, locked, for *owner* to change.

    Raises:
        InvitationUnknown: There is none, or it is not *owner*'s.
        InvitationOver: *owner* is the key, which has handed it over to a browser.
    """
    row = session.get(Invitation, invitation_id, with_for_update=True, populate_existing=True)
    if row is None or not _is_of(row, owner):
        raise InvitationUnknown
    if owner.session_id is None and row.session_id is not None:
        raise InvitationOver
    return row


def lock_running(session: Session, invitation_id: str, owner: Owner, *, at: datetime) -> Invitation:
    """Return the same, if it has not ended.

    Raises:
        InvitationUnknown: There is none, or it is not *owner*'s.
        InvitationOver: It has ended, has expired, or was handed over to a browser.
    """
    row = lock(session, invitation_id, owner)
    if status_of(row, at).is_over:
        raise InvitationOver
    return row


def free_id(session: Session) -> str:
    """Return a new id, whose reference no attempt and no invitation has."""
    while True:
        invitation_id = new_id()
        reference = reference_of(invitation_id)
        attempt = select(Attempt.id).where(Attempt.reference == reference)
        invitation = select(Invitation.id).where(Invitation.reference == reference)
        if session.scalar(attempt) is None and session.scalar(invitation) is None:
            return invitation_id


def is_code_free(session: Session, code_hash: str) -> bool:
    """Return whether no invitation has the code of *code_hash*: of 40 bits, two may be the same."""
    same = select(Invitation.id).where(Invitation.code_hash == code_hash)
    return session.scalar(same) is None


def make_room(session: Session, user: User, *, at: datetime) -> None:
    """End the oldest running invitations of *user*, so that one more makes `MOST_OPEN`."""
    rows = (
        select(Invitation)
        .where(Invitation.issuer == user.issuer, Invitation.subject == user.subject)
        .where(Invitation.ended_at.is_(None))
        .where(Invitation.created_at > at - CLAIM_WITHIN - FINISH_WITHIN)
        .order_by(Invitation.created_at.desc(), Invitation.id)
        .with_for_update()
    )
    running = [row for row in session.scalars(rows) if state_of(row, at) != "expired"]
    for surplus in running[MOST_OPEN - 1 :]:
        surplus.end("cancelled", None, at=at)


def end_all(session: Session, which: ColumnElement[bool], *, at: datetime) -> None:
    """End the invitations for which *which* holds, without a link."""
    ended = update(Invitation).where(which, Invitation.ended_at.is_(None))
    values = {"ended_at": at, "ended_as": "cancelled", "messenger_name": None, "resume": None}
    session.execute(ended.values(values), execution_options={"synchronize_session": False})


def _is_of(invitation: Invitation, owner: Owner) -> bool:
    if owner.session_id is not None:
        return invitation.session_id == owner.session_id
    return owner.api_key_id is not None and invitation.api_key_id == owner.api_key_id
