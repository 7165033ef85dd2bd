"""The status of a browser session, derived from its row and the clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy.orm import Session

from app.accounts import first_passwords, local
from app.linking.session_models import BrowserSession
from app.linking.values import User
from app.messenger.types import PageId

Purpose = Literal["connect", "connections"]
State = Literal["open", "signed_in", "expired", "ended"]

TO_SIGN_IN: Final = timedelta(minutes=5)
# From the sign-in on.
SIGNED_IN: Final[Mapping[Purpose, timedelta]] = {
    "connect": timedelta(minutes=15),
    "connections": timedelta(minutes=10),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatus:
    """The state of a browser session, with all that its pages show."""

    id: str
    purpose: Purpose
    page_id: PageId
    state: State
    user: User | None
    display_name: str | None
    resume: str | None = field(repr=False)
    # When it can no longer be used.
    expires_at: datetime
    # The user has signed in with a password that somebody else has set.
    must_choose_password: bool


def state_of(row: BrowserSession, at: datetime) -> State:
    """Return the state of *row* at *at*."""
    if row.ended_at is not None:
        return "ended"
    begun_at, life = _life(row)
    # Either way: a clock that stepped back must not make a session live longer.
    if abs(at - begun_at) >= life:
        return "expired"
    return "open" if row.signed_in_at is None else "signed_in"


def status_of_row(session: Session, row: BrowserSession, at: datetime) -> SessionStatus:
    """Return the status of *row* at *at*."""
    begun_at, life = _life(row)
    is_local = row.issuer == local.ISSUER and row.subject is not None
    return SessionStatus(
        id=row.id,
        purpose=_purpose(row),
        page_id=row.page_id,
        state=state_of(row, at),
        user=row.user,
        display_name=row.display_name,
        resume=row.resume,
        expires_at=begun_at + life,
        must_choose_password=is_local and first_passwords.is_first(session, row.subject or ""),
    )


def _life(row: BrowserSession) -> tuple[datetime, timedelta]:
    if row.signed_in_at is None:
        return row.opened_at, TO_SIGN_IN
    return row.signed_in_at, SIGNED_IN[_purpose(row)]


def _purpose(row: BrowserSession) -> Purpose:
    return "connect" if row.purpose == "connect" else "connections"
