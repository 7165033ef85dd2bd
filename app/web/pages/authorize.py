"""The pages of an attempt: opened from Messenger, signed in, confirmed, and back to Messenger."""

from typing import Final, Literal

import structlog
from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.rate_limiter import RateLimited
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.linking import attempts, flow, provider_visits, resume
from app.linking.attempt_events import Kind
from app.linking.attempt_status import AttemptStatus, status_of
from app.linking.errors import AttemptOver, AttemptUnknown
from app.linking.flow import Consent, ConsentRules, NotConfirmed
from app.linking.references import reference_of
from app.linking.renewal import SIGNED_OUT
from app.messenger.redirects import check_redirect_uri, has_unknown_names, with_authorization_code
from app.messenger.types import PageId, Psid
from app.web import obstacles, rate_limits, request_reference
from app.web.current import services
from app.web.exceptions import LinkAmbiguous, LinkIncomplete, PageUnknown
from app.web.pages import attempt_cookie, chat_code, provider_state
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.pages.csrf import QUESTION, check_form, posted
from app.web.pages.previews import is_preview
from app.web.pages.recognition import recognise
from app.web.pages.rendering import current_page, page_of
from app.web.pages.signing_in import Place, by_password
from app.web.problems.forms import (
    PASSWORD_TO_CHOOSE,
    QUESTION_CHANGED,
    WRONG_DIGITS,
)
from app.web.problems.pages import PAGE_PROBLEMS
from app.web.problems.problem import Problem

log = structlog.get_logger()
bp = Blueprint("authorize", __name__, url_prefix="/authorize")

# Of a repeated parameter some programs read the last value, others the first.
_ONCE: Final = ("account_linking_token", "redirect_uri", "client_id", "code")

_NOT_CONFIRMED: Final[dict[NotConfirmed, Problem]] = {
    NotConfirmed.ACCOUNT_CLOSED: PAGE_PROBLEMS[AttemptOver],
    NotConfirmed.PASSWORD_TO_CHOOSE: PASSWORD_TO_CHOOSE,
    NotConfirmed.QUESTION_CHANGED: QUESTION_CHANGED,
    NotConfirmed.WRONG_DIGITS: WRONG_DIGITS,
}
# A closed account ends the attempt, which says why; a password to choose is a step on the way.
_OBSTACLES: Final = {
    NotConfirmed.QUESTION_CHANGED: Kind.QUESTION_CHANGED,
    NotConfirmed.WRONG_DIGITS: Kind.CHAT_CODE_WRONG,
}


@bp.get("")
def enter() -> ResponseReturnValue:
    """Open an attempt with what Messenger sends, and redirect to an address without it."""
    # Before anything can be refused: the attempt then has the reference of its request.
    attempt_id = attempts.new_id()
    request_reference.bind(reference_of(attempt_id))
    _check_names()
    account_linking_token = _required("account_linking_token")
    redirect_uri = check_redirect_uri(
        _required("redirect_uri", lacking="no_redirect_uri"),
        account_linking_token=account_linking_token,
        origins=services().settings.redirect_origins,
    )
    if has_unknown_names(redirect_uri):
        log.info("redirect_uri.unknown_names")
    page_id = g.page_id = _page_id()
    if is_preview():
        return "", 204
    counters = services().rate_limit_keys.opens(rate_limits.address())
    ticket = services().write(
        flow.open_attempt,
        counters,
        page_id,
        account_linking_token,
        attempt_id=attempt_id,
        state_ref=resume.state_ref(_states()),
        at=clock.now(),
    )
    request_reference.bind_attempt(ticket.attempt_id)
    attempt_cookie.open_(ticket, redirect_uri)
    return redirect(url_for(".show", attempt_id=ticket.attempt_id), 303)


@bp.get("/<attempt_id>")
@bp.get("/<attempt_id>/confirm", endpoint="show_confirm")
@bp.get("/<attempt_id>/sign-out", endpoint="show_sign_out")
@bp.get("/<attempt_id>/digits", endpoint="show_digits")
@bp.get("/<attempt_id>/cancel", endpoint="show_cancel")
def show(attempt_id: str) -> ResponseReturnValue:
    """Show the page of the attempt's present state, at any of its addresses."""
    return current_page(attempt_id)


@bp.post("/<attempt_id>")
def sign_in(attempt_id: str) -> ResponseReturnValue:
    cookie = posted(attempt_id)
    status = services().read(
        attempts.signing_in, cookie.ticket, renewal_key=cookie.renewal_key, at=clock.now()
    )
    request_reference.adopt(status)
    return by_password(place_of(cookie, status))


@bp.post("/<attempt_id>/confirm")
def confirm(attempt_id: str) -> ResponseReturnValue:
    cookie = posted(attempt_id)
    consent = Consent(
        question=request.form.get(QUESTION, ""),
        question_key=cookie.form_key,
        digits_hash=chat_code.digits_hash(cookie, request.form.get("code", "")),
        code_key=cookie.code_key,
    )
    request_reference.adopt(services().read(status_of, cookie.ticket, at=clock.now()))
    rules = ConsentRules(
        max_links=services().settings.max_links_per_user,
        confirm_in_chat=services().settings.confirm_in_chat,
        rate_limit_keys=services().rate_limit_keys,
    )
    outcome = services().write(flow.confirm, cookie.ticket, consent, rules, at=clock.now())
    if isinstance(outcome, NotConfirmed):
        problem = _NOT_CONFIRMED[outcome]
        if kind := _OBSTACLES.get(outcome):
            obstacles.note(kind)
        log.info("attempt.not_confirmed", problem=problem.name)
        status = services().read(status_of, cookie.ticket, at=clock.now())
        return page_of(cookie, status, problem=problem)
    log.info("attempt.confirmed")
    return redirect(with_authorization_code(cookie.redirect_uri, outcome), 303)


@bp.post("/<attempt_id>/digits")
def send_digits(attempt_id: str) -> ResponseReturnValue:
    """Send digits to the person's chat, which the confirm page then asks for."""
    cookie = posted(attempt_id)
    status = services().read(attempts.running, cookie.ticket, at=clock.now())
    request_reference.adopt(status)
    may_confirm = status.state == "signed_in" and not status.must_choose_password
    if may_confirm and chat_code.is_needed(status):
        with services().admission.enter():
            chat_code.send(cookie, status)
    return redirect(url_for(".show_confirm", attempt_id=attempt_id), 303)


@bp.post("/<attempt_id>/sign-out")
def sign_out(attempt_id: str) -> ResponseReturnValue:
    """Let another user sign in: the confirm page named the wrong account."""
    cookie = posted(attempt_id)
    renewed = cookie.renewed(SIGNED_OUT)
    services().write(attempts.sign_out, cookie.ticket, renewed.ticket, at=clock.now())
    attempt_cookie.put(renewed)
    return redirect(url_for(".show", attempt_id=attempt_id), 303)


@bp.post("/<attempt_id>/cancel")
def cancel(attempt_id: str) -> ResponseReturnValue:
    """Go back without a code, which is how Messenger learns that the person declined."""
    cookie = attempt_cookie.read(attempt_id)
    check_form(cookie)
    try:
        if not cookie.is_cut_down:
            status = services().write(attempts.cancel, cookie.ticket, at=clock.now())
            if status.is_over:
                attempt_cookie.cut_down(cookie)
    except (AttemptUnknown, NotCommitted) as exc:
        # The row is deleted or the database is away: the way back is in the cookie all the same.
        log.info("attempt.not_cancelled", error=type(exc).__name__)
    return redirect(cookie.redirect_uri, 303)


def place_of(cookie: AttemptCookie, status: AttemptStatus) -> Place[AttemptCookie]:
    """Return how a person signs in within the attempt of *cookie*."""
    attempt_id = cookie.ticket.attempt_id

    def psid() -> Psid:
        # Before the credentials are verified: each guess costs a live token of a real profile.
        return status.psid or recognise(cookie, status.page_id)

    def go_on(renewed: AttemptCookie) -> ResponseReturnValue:
        send_first_digits(renewed)
        return redirect(url_for("authorize.show_confirm", attempt_id=attempt_id), 303)

    keys = services().rate_limit_keys
    return Place(
        cookie=cookie,
        page_id=status.page_id,
        renewed=cookie.renewed,
        record=attempts.sign_in,
        user_of=attempts.user_of,
        depart=provider_visits.depart,
        come_back=provider_visits.come_back,
        password_counters=lambda username: keys.sign_in(
            username, rate_limits.address(), status.page_id, psid()
        ),
        visit_counters=lambda: keys.provider_visit(rate_limits.address(), status.page_id, psid()),
        kind=provider_state.ATTEMPT,
        put=attempt_cookie.put,
        page=lambda problem, username: page_of(cookie, status, problem=problem, username=username),
        go_on=go_on,
        leave=lambda authorization, _: redirect(authorization.url, 303),
    )


def send_first_digits(cookie: AttemptCookie) -> None:
    """Send the digits that the question asks for, unless a password has to be chosen before."""
    status = services().read(status_of, cookie.ticket, at=clock.now())
    if status.must_choose_password:
        return
    if chat_code.is_needed(status) and not status.has_digits:
        # Too many for this profile: the page says so when more are asked for.
        try:
            with services().admission.enter():
                chat_code.send(cookie, status, is_first=True)
        except RateLimited as exc:
            obstacles.note_error(exc, PAGE_PROBLEMS[RateLimited])


def _check_names() -> None:
    for name in request.args:
        known, bracket, _ = name.partition("[")
        if known in _ONCE and (bracket or len(request.args.getlist(name)) > 1):
            raise LinkAmbiguous


def _states() -> list[str]:
    """Return every value that some program would read as `state`."""
    return [
        value
        for name, value in request.args.items(multi=True)
        if name == "state" or name.startswith("state[")
    ]


def _required(name: str, *, lacking: Literal["no_redirect_uri"] | None = None) -> str:
    value = request.args.get(name)
    if not value:
        raise LinkIncomplete(lacking)
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
