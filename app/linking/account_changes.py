"""The changes of a built-in account that end what its user has begun: its password, and its end.

Use cases as those of `flow`: one transaction each.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from app.accounts import first_passwords, local, rate_limiter
from app.accounts.authenticators import CredentialsRefused
from app.accounts.identity import Identity
from app.accounts.rate_limiter import Hit
from app.linking import attempts, handlers, voiding
from app.linking.handlers import Policy
from app.linking.renewal import RecordSignIn, UserOf
from app.linking.values import ACCOUNT_CLOSED, PASSWORD_CHANGED, Ticket, User


def set_password(
    session: Session, username: str, password_hash: str, *, is_first: bool, at: datetime
) -> int:
    """Set the password of *username* for its owner; return how many attempts this has ended.

    Whoever has signed in with the password of before cannot go on (OWASP ASVS 5.0, 7.4.3).

    Raises:
        AccountUnknown: There is no such account.
    """
    subject = local.set_password(session, username, password_hash, is_first=is_first, at=at)
    return voiding.void_of_user(session, User(local.ISSUER, subject), PASSWORD_CHANGED, at=at)


def choose_password(  # noqa: PLR0913 - the step, its proof, and what it sets
    session: Session,
    ticket: Ticket,
    identity: Identity,
    successor: Ticket,
    counted: Hit,
    *,
    user_of: UserOf = attempts.user_of,
    record: RecordSignIn = attempts.sign_in,
    password_hash: str,
    at: datetime,
) -> None:
    """Replace the password by which *identity* was proved, and refund the *counted* try.

    The attempt, or the browser session where *user_of* and *record* say so, goes on with
    *successor* as its ticket: to type the password is to sign in once more. All else that this user
    has begun ends.

    Raises:
        CredentialsRefused: Another user has signed in, or the password has been changed since.
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
        SessionError: The browser session is unknown, expired or over, or nobody has signed in.
        RateLimited: The user has made as many invitations as the hour allows.
    """
    user = User(identity.issuer, identity.subject)
    if user_of(session, ticket, at=at) != user:
        raise CredentialsRefused
    if not first_passwords.choose(session, identity, password_hash, at=at):
        raise CredentialsRefused
    voiding.void_of_user(session, user, PASSWORD_CHANGED, but=ticket.attempt_id, at=at)
    # After the end of all others: a session's sign-in may make an invitation.
    record(session, ticket, identity, successor, at=at)
    rate_limiter.refund(session, counted)


def close_account(
    session: Session,
    close: Callable[[Session, str], str],
    username: str,
    *,
    policy: Policy,
    at: datetime,
) -> int:
    """Close an account with *close*, and end its attempts and links; return how many links.

    *close* disables or deletes the account of *username*, and returns its subject.
    """
    user = User(local.ISSUER, close(session, username))
    voiding.void_of_user(session, user, ACCOUNT_CLOSED, at=at)
    return len(handlers.end_all(session, user, cause=ACCOUNT_CLOSED, policy=policy, at=at).links)
