"""An attempt whose person is away at a provider: what it keeps until the browser is back.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from app.linking.attempts import Ticket, unconfirmed
from app.linking.errors import NotDeparted


def depart(session: Session, ticket: Ticket, memo: str, *, at: datetime) -> None:
    """Keep *memo* until the browser is back; an earlier one is forgotten.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = unconfirmed(session, ticket, at)
    attempt.memo = memo


def come_back(session: Session, ticket: Ticket, *, at: datetime) -> str:
    """Return the memo that the attempt has kept, and forget it: nobody comes back twice.

    Raises:
        NotDeparted: Nobody is away, or has been back already.
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = unconfirmed(session, ticket, at)
    memo, attempt.memo = attempt.memo, None
    if memo is None:
        raise NotDeparted
    return memo
