"""The change of a password, wherever a page of ours offers it.

It is reached after a sign-in only. A guess is counted by the limits of the sign-in page of the same
`Place` (R61), and its work passes the same gate.
"""

from contextlib import suppress

import structlog
from flask import g, request

from app.accounts import first_passwords
from app.accounts.authenticators import CredentialsRefused, PasswordAuthenticator
from app.accounts.passwords import PasswordRefused, are_same
from app.infra import clock
from app.linking import account_changes
from app.linking.errors import AttemptOver, AttemptUnknown, SessionUnknown
from app.linking.renewal import proof_by_password
from app.linking.values import User
from app.web import obstacles, rate_limits
from app.web.current import services
from app.web.pages.signing_in import C, Place, verify_and_record
from app.web.problems.forms import PASSWORD_UNCHANGED, WRONG_PASSWORD, refused_password
from app.web.problems.problem import Problem

log = structlog.get_logger()


def change_password(place: Place[C], user: User) -> Problem | None:
    """Change the password of *user* to the one that was typed; return why not, None if it is done.

    The renewed cookie is put then.

    Raises:
        AttemptOver: The account is deleted, or no password is asked for any more.
        AttemptError, SessionError, RateLimited: As `account_changes.choose_password` raises them.
    """
    username = services().read(first_passwords.username_of, user.subject)
    if username is None:
        raise AttemptOver
    current, new = (request.form[name] for name in ("current", "new"))
    if are_same(new, current):
        return PASSWORD_UNCHANGED
    try:
        with services().admission.enter():
            services().check_new_password(new, username)
            _change_once(place, user, username, current, new)
    except PasswordRefused as exc:
        return refused_password(exc.reason, num=exc.num)
    except CredentialsRefused as exc:
        obstacles.note_wrong_credentials(g.authenticator, exc)
        log.info("password.refused")
        return WRONG_PASSWORD
    return None


def is_repeat(place: Place[C], user: User) -> bool:
    """Return whether the same form, sent twice, has changed the password of *user* already."""
    renewed = place.renewed(proof_by_password(user))
    with suppress(AttemptUnknown, SessionUnknown):
        return services().write(place.user_of, renewed.ticket, at=clock.now()) == user
    return False


def _change_once(place: Place[C], user: User, username: str, current: str, new: str) -> None:
    if not is_repeat(place, user):
        try:
            return _verify_and_change(place, username, current, new)
        except (CredentialsRefused, AttemptUnknown, SessionUnknown):
            # The form's other copy may have been first while the password was verified.
            if not is_repeat(place, user):
                raise
    # What the other copy has set is the proof by which this one gets the new cookie.
    verify = _password_authenticator(place).verify
    counters = place.password_counters(username)
    with rate_limits.counted(counters, wrong=CredentialsRefused) as hit:
        verify_and_record(place, verify, username, new, hit)
    return None


def _verify_and_change(place: Place[C], username: str, current: str, new: str) -> None:
    authenticator = _password_authenticator(place)
    counters = place.password_counters(username)
    with rate_limits.counted(counters, wrong=CredentialsRefused) as hit:
        identity = authenticator.verify(username, current)
        new_hash = services().hasher.hash(new)
        renewed = place.renewed(proof_by_password(User(identity.issuer, identity.subject)))
        services().write(
            account_changes.choose_password,
            place.cookie.ticket,
            identity,
            renewed.ticket,
            hit,
            user_of=place.user_of,
            record=place.record,
            password_hash=new_hash,
            at=clock.now(),
        )
    place.put(renewed)
    log.info("password.changed", subject=identity.subject)


def _password_authenticator(place: Place[C]) -> PasswordAuthenticator:
    methods = services().sign_in_methods[place.page_id]
    authenticator, g.authenticator = methods.password, methods.password_name
    if authenticator is None:
        raise AttemptOver
    return authenticator
