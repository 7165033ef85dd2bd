"""The person's pages: open, sign in, confirm, back to Messenger."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog
from flask import Blueprint, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from app.accounts import local, rate_limiter
from app.accounts.authenticators import CredentialsRefused
from app.accounts.identity import Identity
from app.accounts.rate_limiter import Hit, RateLimited
from app.accounts.rate_limits import Counter
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.linking import attempts, chat_code
from app.linking.attempts import AttemptStatus, Ticket
from app.linking.errors import AttemptOver, AttemptUnknown
from app.messenger.redirects import check_redirect_uri, has_unknown_names, with_authorization_code
from app.messenger.types import PageId
from app.web import rate_limits
from app.web.current import services
from app.web.exceptions import LinkAmbiguous, LinkIncomplete, PageUnknown
from app.web.pages import attempt_cookie, csrf
from app.web.pages import chat_code as chat_code_page
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.pages.csrf import posted
from app.web.pages.recognition import recognise
from app.web.pages.rendering import page_of
from app.web.problems import PROBLEMS, QUESTION_CHANGED, WRONG_CREDENTIALS, WRONG_DIGITS, Problem

log = structlog.get_logger()
bp = Blueprint("authorize", __name__, url_prefix="/authorize")


# Names that some programs read from a list or its last, others its first entry.
_ONCE: Final = ("account_linking_token", "redirect_uri", "client_id", "state", "code")

# Where browsers declare that nobody has asked for the page yet: the standard's, and older ones.
_PURPOSES: Final = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


@bp.get("")
def enter() -> ResponseReturnValue:
    """Take in what Messenger sends, and move the browser to an address without it."""
    _check_names()
    account_linking_token = _only("account_linking_token")
    redirect_uri = check_redirect_uri(
        _only("redirect_uri"),
        account_linking_token=account_linking_token,
        origins=services().settings.redirect_origins,
    )
    if has_unknown_names(redirect_uri):
        log.info("redirect_uri.unknown_names")
    page_id = _page_id()
    if _is_preview():
        return "", 204
    opens = services().rate_limit_keys.opens(rate_limits.address())
    ticket = services().write(_open, opens, page_id, account_linking_token, at=clock.now())
    response = make_response(redirect(url_for(".show", attempt_id=ticket.attempt_id), 303))
    attempt_cookie.put(response, ticket, redirect_uri)
    return response


@bp.get("/<attempt_id>")
@bp.get("/<attempt_id>/confirm", endpoint="show_confirm")
@bp.get("/<attempt_id>/sign-out", endpoint="show_sign_out")
@bp.get("/<attempt_id>/digits", endpoint="show_digits")
@bp.get("/<attempt_id>/cancel", endpoint="show_cancel")
def show(attempt_id: str) -> ResponseReturnValue:
    """Show where the attempt stands, whichever of its addresses is asked for."""
    held = attempt_cookie.read(attempt_id)
    return page_of(held, services().read(attempts.status_of, held.ticket, at=clock.now()))


@bp.post("/<attempt_id>")
def sign_in(attempt_id: str) -> ResponseReturnValue:
    held = posted(attempt_id)
    username, password = request.form["username"], request.form["password"]
    standing = services().read(attempts.running, held.ticket, at=clock.now())
    authenticator = services().sign_in_methods[standing.page_id].password
    if authenticator is None:
        raise NotFound
    rate_limit_keys = services().rate_limit_keys
    with (
        rate_limits.counted(rate_limit_keys.sign_in(username, rate_limits.address())) as guess,
        services().admission.enter(),
    ):
        # Before the credential is looked at: each guess costs a live token of a real profile.
        psid = standing.psid or recognise(held, standing.page_id)
        guess.count(rate_limit_keys.person(standing.page_id, psid))
        try:
            identity = authenticator.verify(username, password)
            services().write(_signed_in, held.ticket, identity, guess.taken, at=clock.now())
        except CredentialsRefused:
            guess.was_wrong()
            log.info("sign_in.refused", reference=standing.reference)
            return page_of(held, standing, problem=WRONG_CREDENTIALS, username=username)
    log.info("sign_in.done", reference=standing.reference, issuer=identity.issuer)
    # Not within the count: what goes wrong here says nothing about the guess.
    _send_first_digits(held)
    return redirect(url_for(".show_confirm", attempt_id=attempt_id), 303)


@bp.post("/<attempt_id>/confirm")
def confirm(attempt_id: str) -> ResponseReturnValue:
    held = posted(attempt_id)
    most = services().settings.max_links_per_user
    outcome = services().write(_confirmed, held, request.form, max_links=most, at=clock.now())
    if isinstance(outcome, Problem):
        log.info("attempt.not_confirmed", problem=outcome.name)
        standing = services().read(attempts.status_of, held.ticket, at=clock.now())
        return page_of(held, standing, problem=outcome)
    log.info("attempt.confirmed")
    return redirect(with_authorization_code(held.redirect_uri, outcome), 303)


@bp.post("/<attempt_id>/digits")
def send_digits(attempt_id: str) -> ResponseReturnValue:
    """Send digits to the person's chat, which the confirm page then asks for."""
    held = posted(attempt_id)
    standing = services().read(attempts.running, held.ticket, at=clock.now())
    if standing.state == "signed_in" and chat_code_page.are_needed(standing):
        with services().admission.enter():
            chat_code_page.send(held, standing)
    return redirect(url_for(".show_confirm", attempt_id=attempt_id), 303)


@bp.post("/<attempt_id>/sign-out")
def sign_out(attempt_id: str) -> ResponseReturnValue:
    """Let somebody else sign in: the confirm page named the wrong account."""
    held = posted(attempt_id)
    services().write(attempts.sign_out, held.ticket, at=clock.now())
    return redirect(url_for(".show", attempt_id=attempt_id), 303)


@bp.post("/<attempt_id>/cancel")
def cancel(attempt_id: str) -> ResponseReturnValue:
    """Go back without a code, which is how Messenger learns that the person declined."""
    held = posted(attempt_id)
    try:
        services().write(attempts.cancel, held.ticket, at=clock.now())
    except (AttemptUnknown, NotCommitted) as exc:
        # Swept away, or the database is: the way back is in the cookie, and nothing hangs on it.
        log.info("attempt.not_cancelled", error=type(exc).__name__)
    return redirect(held.redirect_uri, 303)


def _open(
    session: Session,
    opens: Sequence[Counter],
    page_id: PageId,
    account_linking_token: str,
    *,
    at: datetime,
) -> Ticket:
    rate_limiter.hit(session, opens, at=at)
    return attempts.open_(
        session, page_id=page_id, account_linking_token=account_linking_token, at=at
    )


def _signed_in(
    session: Session, ticket: Ticket, identity: Identity, taken: Sequence[Hit], *, at: datetime
) -> None:
    if identity.issuer == local.ISSUER and not local.is_active(session, identity.subject):
        # Disabled while the password was being looked at.
        raise CredentialsRefused
    attempts.sign_in(session, ticket, identity, at=at)
    for one in taken:
        rate_limiter.clear(session, one)


def _send_first_digits(held: AttemptCookie) -> None:
    standing = services().read(attempts.status_of, held.ticket, at=clock.now())
    if chat_code_page.are_needed(standing) and not standing.has_digits:
        # Too many to this profile: its page says so, once it is asked for more.
        with suppress(RateLimited), services().admission.enter():
            chat_code_page.send(held, standing)


def _confirmed(
    session: Session, held: AttemptCookie, form: Mapping[str, str], *, max_links: int, at: datetime
) -> str | Problem:
    """Record the consent and return its code, or why there is none: to raise would undo it."""
    # Locked: who signs in between the questions below and the consent would be asked none of them.
    standing = attempts.status_of(session, held.ticket, at=at, lock=True)
    user = standing.user
    if user and user.issuer == local.ISSUER and not local.is_active(session, user.subject):
        attempts.void(session, issuer=user.issuer, subject=user.subject, at=at)
        return PROBLEMS[AttemptOver]
    if standing.state == "signed_in" and not csrf.answers_question(held, standing, form):
        # In another tab somebody else has signed in since, or the profile was connected.
        return QUESTION_CHANGED
    if not _digits_fit(session, held, standing, form.get("code", ""), at=at):
        return WRONG_DIGITS
    return attempts.confirm(
        session, held.ticket, code_key=held.code_key, max_links=max_links, at=at
    )


def _digits_fit(
    session: Session, held: AttemptCookie, standing: AttemptStatus, typed: str, *, at: datetime
) -> bool:
    """Tell whether *typed* are the digits, where they are asked for; a guess counts."""
    if standing.state != "signed_in" or not chat_code_page.are_needed(standing):
        return True
    taken = rate_limiter.hit(
        session,
        services().rate_limit_keys.digits_tried(standing.page_id, standing.psid or ""),
        at=at,
    )
    is_right = chat_code.match(session, held.ticket, chat_code_page.digits_hash(held, typed), at=at)
    if is_right:
        rate_limiter.refund(session, taken)
    return is_right


def _check_names() -> None:
    for name in request.args:
        known, bracket, _ = name.partition("[")
        if known in _ONCE and (bracket or len(request.args.getlist(name)) > 1):
            raise LinkAmbiguous


def _only(name: str) -> str:
    value = request.args.get(name)
    if not value:
        raise LinkIncomplete
    return value


def _page_id() -> PageId:
    """Return the page that client_id names; with one configured page it may be left out."""
    pages = services().page_ids
    client_id = request.args.get("client_id")
    if client_id is None and len(pages) == 1:
        return next(iter(pages))
    if client_id in pages:
        return PageId(client_id)
    raise PageUnknown


def _is_preview() -> bool:
    """Tell whether nobody will see the page: a crawler's HEAD, a browser's prefetch."""
    said = " ".join(request.headers.get(name, "") for name in _PURPOSES).lower()
    return request.method == "HEAD" or "prefetch" in said or "preview" in said
