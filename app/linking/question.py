"""The digest of the confirm page's question: an answer counts only for what the page showed."""

import hmac

from app.linking.attempt_status import AttemptStatus
from app.linking.values import Ticket, User


def question_digest(status: AttemptStatus, ticket: Ticket, *, key: bytes) -> str:
    """Return the digest, in hex, of who would be connected and whether another user loses it.

    The confirm form carries it, so that a consent given in one tab is no answer after another user
    has signed in, or the profile was connected, in another tab.
    """
    user = status.user or User("", "")
    asked = (ticket.secret, user.issuer, user.subject, str(status.replaces))
    return hmac.digest(key, "\n".join(asked).encode(), "sha256").hex()
