"""The digest of the confirm page's question: an answer counts only for what the page showed."""

import hmac

from app.linking.attempt_status import AttemptStatus
from app.linking.values import Ticket, User


def question_digest(status: AttemptStatus, ticket: Ticket, *, asks_code: bool, key: bytes) -> str:
    """Return the digest, in hex, of all that a person has to know before they press Connect.

    That is: who would be connected, how Messenger names the person or that it does not, whether a
    code from the chat is asked for, and whether another user loses the profile.

    The confirm form carries it, so that a consent given in one tab is no answer after another user
    has signed in, or the profile was connected, in another tab.
    """
    user = status.user or User("", "")
    asked = (
        ticket.secret,
        user.issuer,
        user.subject,
        str(status.replaces),
        status.messenger_name or "",
        status.name_outcome or "",
        str(asks_code),
    )
    return hmac.digest(key, "\n".join(asked).encode(), "sha256").hex()
