"""The pages of an attempt: its state, any problem, and always the way back."""

from dataclasses import replace
from typing import Any, Final

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue

from app.infra import clock
from app.linking.attempt_status import AttemptStatus, end_of, status_of
from app.linking.errors import AttemptExpired, TokenSpent
from app.linking.values import REGION, TOKEN_REFUSED, NameOutcome
from app.messenger.display_names import clean_name
from app.messenger.errors import LinkingTokenRefused, RegionRefused
from app.web import obstacles, request_reference
from app.web.current import services
from app.web.languages import translation
from app.web.pages import attempt_cookie, chat_code
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.pages.brands import brand_here, brand_of, shown_brand
from app.web.pages.csrf import csrf_token, question
from app.web.pages.doors import connect_url
from app.web.pages.outcomes import (
    ASK_FOR_CODE,
    CONTINUE,
    LINKED,
    PASSWORD_CHANGED,
    SEND_CODE,
    TRY_AGAIN,
    WAITING,
    Outcome,
    outcome_of,
    outcome_of_problem,
)
from app.web.pages.password_form import can_choose_password, password_form
from app.web.pages.pictures import picture_url
from app.web.pages.time_left import TimeLeft
from app.web.pages.ways_in import ways_in
from app.web.problems.pages import PAGE_PROBLEMS
from app.web.problems.problem import Problem

REFRESH_SECONDS: Final = 3

# By the reason of a refused attempt.
_REFUSED: Final = {
    TOKEN_REFUSED: PAGE_PROBLEMS[LinkingTokenRefused],
    REGION: PAGE_PROBLEMS[RegionRefused],
}


def current_page(attempt_id: str) -> ResponseReturnValue:
    """Return the page of an attempt that this browser has the cookie of."""
    cookie = attempt_cookie.read(attempt_id)
    return page_of(cookie, current_status(cookie))


def current_status(cookie: AttemptCookie) -> AttemptStatus:
    """Return the status of the attempt that *cookie* was set for.

    Raises:
        AttemptUnknown: Its secret has been renewed, or the row is deleted.
    """
    if cookie.is_cut_down:
        status = services().read(end_of, cookie.ticket.attempt_id, at=clock.now())
    else:
        status = services().read(status_of, cookie.ticket, at=clock.now())
    request_reference.adopt(status)
    return status


def page_of(
    cookie: AttemptCookie,
    status: AttemptStatus,
    *,
    problem: Problem | None = None,
    username: str | None = None,
) -> ResponseReturnValue:
    """Return the page of the attempt's present state, with *problem* where there is one.

    *username* is what was typed on the sign-in form, None where that was not posted.
    """
    if problem:
        g.setdefault("problem", problem.name)
    http_status = problem.status if problem else 200
    if end := _dead_end(status):
        return stop_page(cookie, end, status)
    match status.state:
        case "signed_in" if username is None:
            return _signed_in_page(cookie, status, problem), http_status
        case "open" | "signed_in":
            return _sign_in_page(cookie, status, problem, username or ""), http_status
    return _end_page(cookie, status), http_status


def stop_page(
    cookie: AttemptCookie,
    problem: Problem,
    status: AttemptStatus | None,
    *,
    again: str | None = None,
) -> ResponseReturnValue:
    """Return the page of a *problem*; *again* is the address for another try."""
    g.setdefault("problem", problem.name)
    obstacles.note_page("status", problem)
    if status is not None and status.is_over:
        attempt_cookie.cut_down(cookie)
    body = _outcome_page(
        cookie,
        status,
        outcome_of_problem(problem),
        again_action=again,
        again_method="get",
        again_last=problem.is_ours,
    )
    return body, problem.status


def _dead_end(status: AttemptStatus) -> Problem | None:
    """Return why a person cannot go on, where the state alone does not say it."""
    if status.state == "expired":
        return PAGE_PROBLEMS[AttemptExpired]
    if status.state == "refused" and status.reason in _REFUSED:
        return _REFUSED[status.reason]
    if status.state in {"open", "signed_in"} and status.token_spent:
        return PAGE_PROBLEMS[TokenSpent]
    return None


def _sign_in_page(
    cookie: AttemptCookie, status: AttemptStatus, problem: Problem | None, username: str
) -> str:
    obstacles.note_page("sign_in", problem)
    attempt_id = cookie.ticket.attempt_id
    return render_template(
        "authorize/sign_in.html",
        action=url_for("authorize.sign_in", attempt_id=attempt_id),
        problem=problem,
        username=username,
        **ways_in(
            status.page_id, lambda name: url_for("oidc.depart", attempt_id=attempt_id, name=name)
        ),
        **form_frame(cookie, status),
    )


def _signed_in_page(cookie: AttemptCookie, status: AttemptStatus, problem: Problem | None) -> str:
    if status.must_choose_password:
        return password_page(cookie, status, problem)
    if _lacks_digits(status):
        return _digits_page(cookie, status, problem)
    return _confirm_page(cookie, status, problem)


def _confirm_page(cookie: AttemptCookie, status: AttemptStatus, problem: Problem | None) -> str:
    obstacles.note_page("confirm", problem)
    attempt_id = cookie.ticket.attempt_id
    return render_template(
        "authorize/chat_code.html" if chat_code.is_needed(status) else "authorize/confirm.html",
        action=url_for("authorize.confirm", attempt_id=attempt_id),
        question=question(cookie, status),
        not_you_action=url_for("authorize.sign_out", attempt_id=attempt_id),
        messenger_name=clean_name(status.messenger_name or "") or None,
        picture_url=picture_url(attempt_id, status),
        like_brand=status.name_outcome is NameOutcome.LIKE_BRAND,
        display_name=clean_name(status.display_name or ""),
        replaces=status.replaces,
        password_url=url_for("password.show", attempt_id=attempt_id)
        if can_choose_password(status)
        else None,
        digits_action=url_for("authorize.send_digits", attempt_id=attempt_id),
        connections_url=url_for("connections.show_in_attempt", attempt_id=attempt_id),
        problem=problem,
        **form_frame(cookie, status),
    )


def can_see_connections(status: AttemptStatus) -> bool:
    """Return whether the person has signed in, and is at the question."""
    return status.state == "signed_in" and not status.must_choose_password


def password_page(cookie: AttemptCookie, status: AttemptStatus, problem: Problem | None) -> str:
    """Return the page on which the person chooses another password."""
    obstacles.note_page("password", problem)
    attempt_id, is_first = cookie.ticket.attempt_id, status.must_choose_password
    return password_form(
        status,
        problem,
        action=url_for("password.change", attempt_id=attempt_id),
        back=None if is_first else url_for("authorize.show_confirm", attempt_id=attempt_id),
        **form_frame(cookie, status),
    )


def changed_page(cookie: AttemptCookie, status: AttemptStatus) -> str:
    """Return the page that says that the password is changed, and leads on to the question."""
    obstacles.note_page("status")
    return _outcome_page(
        cookie,
        status,
        PASSWORD_CHANGED,
        again_action=url_for("authorize.show_confirm", attempt_id=cookie.ticket.attempt_id),
        again_method="get",
        again_label=CONTINUE,
    )


def _lacks_digits(status: AttemptStatus) -> bool:
    return chat_code.is_needed(status) and not status.has_digits


def _digits_page(cookie: AttemptCookie, status: AttemptStatus, problem: Problem | None) -> str:
    obstacles.note_page("chat_code", problem)
    return _outcome_page(
        cookie,
        status,
        outcome_of_problem(problem) if problem else ASK_FOR_CODE,
        again_action=url_for("authorize.send_digits", attempt_id=cookie.ticket.attempt_id),
        again_label=SEND_CODE,
    )


def _end_page(cookie: AttemptCookie, status: AttemptStatus) -> str:
    outcome = outcome_of(status)
    obstacles.note_page("status")
    if status.is_over:
        attempt_cookie.cut_down(cookie)
    own_sentence = None
    if outcome is LINKED:
        own_sentence = brand_of(status.page_id).texts_in(translation.language()).connected
        page = shown_brand(status.page_id).name
        outcome = replace(outcome, sentence=outcome.sentence.with_values(page=page))
    return _outcome_page(
        cookie,
        status,
        outcome,
        own_sentence=own_sentence,
        refresh_seconds=REFRESH_SECONDS if outcome is WAITING else None,
    )


def _outcome_page(
    cookie: AttemptCookie, status: AttemptStatus | None, outcome: Outcome, **more: Any
) -> str:
    return render_template(
        "outcome.html",
        outcome=outcome,
        connect_url=connect_url(status.page_id if status else None),
        **{"again_action": None, "again_label": TRY_AGAIN, **more},
        **_frame(cookie, status),
    )


def form_frame(cookie: AttemptCookie, status: AttemptStatus) -> dict[str, Any]:
    """Return the values that every page of a running attempt has."""
    return {**_frame(cookie, status), "time_left": TimeLeft.until(status.expires_at)}


def _frame(cookie: AttemptCookie, status: AttemptStatus | None) -> dict[str, Any]:
    return {
        "brand": shown_brand(status.page_id) if status else brand_here(),
        "cancel_action": url_for("authorize.cancel", attempt_id=cookie.ticket.attempt_id),
        "form_token": csrf_token(cookie),
        "reference": request_reference.current(),
    }
