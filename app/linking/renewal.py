"""The renewal of the secret of an attempt, or of a browser session, when somebody signs in or out.

Whoever had the secret before, of which the browser's cookie may have been borrowed or planted, can
do nothing with it after (OWASP ASVS 5.0, 7.2.4). The next secret follows from the present one, from
what the browser has proved, and from a key of ours: a sign-in form that was sent twice is
answered twice with the same secret, in whatever order the answers arrive, and without the proof
nobody can compute it.
"""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.linking.values import Ticket, User

Proof = tuple[str, ...]

SIGNED_OUT: Final[Proof] = ("signed out",)


class RecordSignIn(Protocol):
    """The step that records who has signed in: `attempts.sign_in` or `browser_sessions.sign_in`."""

    def __call__(
        self,
        session: Session,
        ticket: Ticket,
        identity: Identity,
        successor: Ticket,
        *,
        at: datetime,
    ) -> object: ...


class UserOf(Protocol):
    """The locking read of who has signed in: that of `attempts` or of `browser_sessions`."""

    def __call__(self, session: Session, ticket: Ticket, *, at: datetime) -> User | None: ...


def proof_by_password(user: User) -> Proof:
    """Return the proof of a browser that has sent the password of *user*."""
    return ("password", user.issuer, user.subject)


def proof_by_provider(answer: Mapping[str, str]) -> Proof:
    """Return the proof of a browser that has brought a provider's *answer*, with its code.

    Not the user, as with a password: the answer cannot be checked a second time, and who else has
    the present secret knows the user, perhaps the state, and not the code.
    """
    return ("provider", json.dumps(sorted(answer.items())))


def renewed(ticket: Ticket, proof: Proof, *, key: bytes) -> Ticket:
    """Return the ticket that replaces *ticket* in the browser that has given *proof*."""
    message = json.dumps([ticket.attempt_id, ticket.secret, *proof])
    return Ticket(ticket.attempt_id, hmac.digest(key, message.encode(), "sha256").hex())
