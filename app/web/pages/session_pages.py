"""The pages that every browser session can come to: sign-in, a password to choose, problems."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import quote

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.rate_limiter import RateLimited
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.linking import browser_sessions
from app.linking.errors import NotDeparted, SessionError, SessionOver
from app.linking.session_status import Purpose, SessionStatus
from app.web.current import services
from app.web.exceptions import FormRefused, SessionAbsent
from app.web.languages.message import N_, Message
from app.web.pages import session_cookie
from app.web.pages.brands import shown_brand
from app.web.pages.csrf import csrf_token
from app.web.pages.doors import door
from app.web.pages.password_form import can_choose_password, password_form
from app.web.pages.session_cookie import SessionCookie
from app.web.pages.time_left import TimeLeft
from app.web.pages.ways_in import ways_in
from app.web.problems.problem import Problem

_INTRO: Final[dict[Purpose, Message]] = {
    "connect": N_("Log in to connect Messenger to your account."),
    "connections": N_("Log in to see which Messenger profiles are connected to your account."),
}
_PURPOSES: Final = frozenset(_INTRO)
_NOT_THERE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_OF_THE_FORM: Final = (FormRefused, NotDeparted, RateLimited)


def sign_in_page(
    cookie: SessionCookie,
    status: SessionStatus,
    *,
    problem: Problem | None = None,
    username: str = "",
) -> ResponseReturnValue:
    """Return the page on which a person signs in."""
    if problem:
        g.setdefault("problem", problem.name)
    purpose, session_id = status.purpose, status.id
    body = render_template(
        "authorize/sign_in.html",
        action=url_for(f"{purpose}.sign_in", session_id=session_id),
        intro=_INTRO[purpose],
        problem=problem,
        username=username,
        **ways_in(
            status.page_id,
            lambda name: url_for(f"{purpose}.depart", session_id=session_id, name=name),
        ),
        **frame(cookie, status),
        time_left=TimeLeft.until(status.expires_at),
    )
    return body, problem.status if problem else 200


def password_page(
    cookie: SessionCookie, status: SessionStatus, problem: Problem | None = None
) -> ResponseReturnValue:
    """Return the page on which a person chooses a password in place of the one that was set.

    Raises:
        SessionOver: The passwords of this page are no longer kept here.
    """
    if not can_choose_password(status):
        raise SessionOver
    if problem:
        g.setdefault("problem", problem.name)
    purpose, session_id = status.purpose, status.id
    body = password_form(
        status,
        problem,
        action=url_for("session_password.change", purpose=purpose, session_id=session_id),
        not_you_action=url_for(f"{purpose}.sign_out", session_id=session_id),
        **frame(cookie, status),
        time_left=TimeLeft.until(status.expires_at),
    )
    return body, problem.status if problem else 200


def frame(cookie: SessionCookie, status: SessionStatus) -> dict[str, Any]:
    """Return the values that every page of a session has."""
    return {"brand": shown_brand(status.page_id), "form_token": csrf_token(cookie)}


def page_of_problem(exc: Exception, problem: Problem) -> ResponseReturnValue | None:
    """Return the sign-in form with *problem*, if that is what the browser had sent; else None."""
    session_id, purpose = _of_request()
    if session_id is None or purpose is None or not isinstance(exc, _OF_THE_FORM):
        return None
    with suppress(SessionAbsent, SessionError, NotCommitted):
        cookie = session_cookie.read(session_id)
        status = services().read(
            browser_sessions.status_of, cookie.ticket, purpose=purpose, at=clock.now()
        )
        if status.state == "open":
            return sign_in_page(cookie, status, problem=problem)
        if status.must_choose_password and can_choose_password(status):
            return password_page(cookie, status, problem)
    return None


def again_url(problem: Problem) -> str | None:
    """Return where the person of a session's request can go on after *problem*; None elsewhere."""
    session_id, purpose = _of_request()
    if purpose is None or problem.status in _NOT_THERE:
        return None
    if session_id is not None and (problem.passes or problem.is_ours):
        return f"/{purpose}/{quote(session_id)}"
    return door(purpose, g.get("page_id"))


def _of_request() -> tuple[str | None, Purpose | None]:
    """Return the session and the purpose that the present request is for."""
    args = request.view_args or {}
    first = request.path.split("/")[1]
    purpose = g.get("purpose") or (first if first in _PURPOSES else None)
    return g.get("session_id") or args.get("session_id"), cast("Purpose | None", purpose)


def leaving_page(url: str, provider: str, status: SessionStatus) -> ResponseReturnValue:
    """Return a page that leads to *url* by itself.

    Not a redirect: Chromium applies form-action, which is 'self' here, to those of a form as well.
    """
    return render_template(
        "leaving.html", brand=shown_brand(status.page_id), url=url, provider=provider
    )
