"""State that an attempt keeps while the person signs in at an OIDC provider."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.linking.attempts import unconfirmed
from app.linking.errors import NotDeparted
from app.linking.values import Ticket


def depart(session: Session, ticket: Ticket, memo: str, *, at: datetime) -> None:
    """Keep *memo* until the browser is back, in place of an earlier one.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = unconfirmed(session, ticket, at)
    attempt.memo = memo


def come_back(session: Session, ticket: Ticket, *, at: datetime) -> str:
    """Return the memo of the attempt, and delete it: it serves once.

    Raises:
        NotDeparted: The attempt has no memo, or it has been used already.
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = unconfirmed(session, ticket, at)
    memo, attempt.memo = attempt.memo, None
    if memo is None:
        raise NotDeparted
    return memo
