"""The page on which the owner of a built-in account changes the password, within an attempt.

It is reached after a sign-in only: a guess here costs a live token of a real profile, as it does on
the sign-in page, and is counted by the same limits.
"""

import structlog
from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts import first_passwords
from app.accounts.authenticators import CredentialsRefused
from app.accounts.passwords import PasswordRefused, are_same
from app.infra import clock
from app.linking import attempts, flow
from app.linking.attempt_status import AttemptStatus
from app.linking.errors import AttemptOver
from app.linking.renewal import proof_by_password
from app.linking.values import User
from app.messenger.types import Psid
from app.web import obstacles, rate_limits, request_reference
from app.web.current import services
from app.web.pages import attempt_cookie
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.pages.authorize import send_first_digits
from app.web.pages.csrf import posted
from app.web.pages.rendering import (
    can_choose_password,
    changed_page,
    current_status,
    page_of,
    password_page,
)
from app.web.problems.forms import (
    PASSWORD_UNCHANGED,
    WRONG_PASSWORD,
    refused_password,
)
from app.web.problems.problem import Problem

log = structlog.get_logger()
bp = Blueprint("password", __name__, url_prefix="/authorize")


@bp.get("/<attempt_id>/password")
def show(attempt_id: str) -> ResponseReturnValue:
    cookie = attempt_cookie.read(attempt_id)
    status = current_status(cookie)
    if can_choose_password(status):
        return password_page(cookie, status, None)
    return page_of(cookie, status)


@bp.get("/<attempt_id>/password/changed")
def show_changed(attempt_id: str) -> ResponseReturnValue:
    cookie = attempt_cookie.read(attempt_id)
    status = current_status(cookie)
    if can_choose_password(status) and not status.must_choose_password:
        return changed_page(cookie, status)
    return page_of(cookie, status)


@bp.post("/<attempt_id>/password")
def change(attempt_id: str) -> ResponseReturnValue:
    cookie = posted(attempt_id)
    status = services().read(attempts.running, cookie.ticket, at=clock.now())
    request_reference.adopt(status)
    if status.user is None or not can_choose_password(status):
        return page_of(cookie, status)
    username = services().read(first_passwords.username_of, status.user.subject)
    if username is None:
        raise AttemptOver
    if (problem := _change(cookie, status, username)) is not None:
        return password_page(cookie, status, problem), problem.status
    log.info("password.changed", subject=status.user.subject)
    # The cookie of after the change.
    send_first_digits(attempt_cookie.read(attempt_id))
    return redirect(url_for(".show_changed", attempt_id=attempt_id), 303)


def _change(cookie: AttemptCookie, status: AttemptStatus, username: str) -> Problem | None:
    """Change the password to the one that was typed; return why not, None where it was done."""
    current, new = (request.form[name] for name in ("current", "new"))
    if are_same(new, current):
        return PASSWORD_UNCHANGED
    try:
        with services().admission.enter():
            services().check_new_password(new, username)
            return _verify_and_change(cookie, status, username, current, new)
    except PasswordRefused as exc:
        return refused_password(exc.reason, num=exc.num)


def _verify_and_change(
    cookie: AttemptCookie, status: AttemptStatus, username: str, current: str, new: str
) -> Problem | None:
    methods = services().sign_in_methods[status.page_id]
    authenticator, g.authenticator = methods.password, methods.password_name
    if authenticator is None:
        raise AttemptOver
    counters = services().rate_limit_keys.sign_in(
        username, rate_limits.address(), status.page_id, status.psid or Psid("")
    )
    try:
        with rate_limits.counted(counters, wrong=CredentialsRefused) as hit:
            identity = authenticator.verify(username, current)
            new_hash = services().hasher.hash(new)
            renewed = cookie.renewed(proof_by_password(User(identity.issuer, identity.subject)))
            services().write(
                flow.choose_password,
                cookie.ticket,
                identity,
                renewed.ticket,
                hit,
                password_hash=new_hash,
                at=clock.now(),
            )
    except CredentialsRefused as exc:
        obstacles.note_wrong_credentials(g.authenticator, exc)
        log.info("password.refused")
        return WRONG_PASSWORD
    attempt_cookie.put(renewed)
    return None
