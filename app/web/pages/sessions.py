"""What the pages of a browser session have in common: opening, signing in, and its problems."""

from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import quote

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.rate_limiter import RateLimited
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.linking import browser_sessions, session_invitations
from app.linking.browser_sessions import Purpose, SessionStatus
from app.linking.errors import NotDeparted, SessionError, SessionUnknown
from app.linking.renewal import SIGNED_OUT, RecordSignIn, proof_by_provider
from app.linking.session_invitations import Terms
from app.messenger.types import PageId
from app.web import rate_limits
from app.web.current import services
from app.web.exceptions import FormRefused, LinkAmbiguous, PageUnknown, SessionAbsent
from app.web.languages import translation
from app.web.languages.message import N_, Message
from app.web.pages import provider_state, session_cookie, signing_in
from app.web.pages.brands import shown_brand
from app.web.pages.csrf import check_form, csrf_token
from app.web.pages.doors import door
from app.web.pages.previews import is_preview
from app.web.pages.session_cookie import SessionCookie
from app.web.pages.signing_in import Place
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


def open_(purpose: Purpose, *, resume: str | None = None) -> ResponseReturnValue:
    """Open a session for this browser, and redirect to its address."""
    page_id = g.page_id = _page_asked()
    if is_preview():
        return "", 204
    counters = services().rate_limit_keys.opens(rate_limits.address())
    ticket = services().write(
        browser_sessions.open_,
        counters,
        purpose=purpose,
        page_id=page_id,
        resume=resume,
        at=clock.now(),
    )
    session_cookie.open_(ticket)
    return to(purpose, ticket.attempt_id)


def to(purpose: Purpose, session_id: str) -> ResponseReturnValue:
    """Return the redirect to the page of a session's present state."""
    return redirect(url_for(f"{purpose}.show", session_id=session_id), 303)


def opened(session_id: str, purpose: Purpose) -> tuple[SessionCookie, SessionStatus]:
    """Return the cookie and the status of a session that this browser has opened.

    Raises:
        SessionAbsent: The browser has no cookie of it.
        SessionUnknown: Its secret has been renewed, it is for another purpose, or deleted.
    """
    cookie = session_cookie.read(session_id)
    status = services().read(
        browser_sessions.status_of, cookie.ticket, purpose=purpose, at=clock.now()
    )
    return cookie, _adopted(status)


def posted(session_id: str, purpose: Purpose) -> tuple[SessionCookie, SessionStatus]:
    """Return both for the present POST, after the CSRF checks.

    Raises:
        FormRefused: The form did not come from our page, or is out of date.
        SessionAbsent, SessionUnknown: As `opened`.
    """
    cookie = session_cookie.read(session_id)
    check_form(cookie)
    return opened(session_id, purpose)


def posted_by_user(session_id: str, purpose: Purpose) -> tuple[SessionCookie, SessionStatus]:
    """Return both for a POST of somebody who has signed in.

    Raises:
        SessionOver: The session is over, or nobody has signed in.
        FormRefused, SessionAbsent, SessionUnknown: As `posted`.
    """
    cookie, _ = posted(session_id, purpose)
    status = services().read(
        browser_sessions.signed_in, cookie.ticket, purpose=purpose, at=clock.now()
    )
    return cookie, status


def sign_in(session_id: str, purpose: Purpose) -> ResponseReturnValue:
    """Answer the sign-in form."""
    cookie, status = _signing_in(session_id, purpose)
    return signing_in.by_password(_place_of(cookie, status))


def depart(session_id: str, purpose: Purpose, name: str) -> ResponseReturnValue:
    """Send the browser to the provider called *name*."""
    cookie, status = _signing_in(session_id, purpose)
    return signing_in.depart(_place_of(cookie, status), name)


def come_back(session_id: str, name: str, params: dict[str, str]) -> ResponseReturnValue:
    """Sign in the person that a provider has sent back with its answer."""
    g.session_id = session_id
    cookie = session_cookie.read(session_id)
    renewed = cookie.renewed(proof_by_provider(params))
    try:
        status = services().read(browser_sessions.status_of, cookie.ticket, at=clock.now())
        g.purpose = status.purpose
        place = _place_of(cookie, _adopted(status))
        return signing_in.by_provider(place, renewed, name, params) or to(
            status.purpose, session_id
        )
    except (SessionUnknown, NotDeparted):
        # This very answer may have been brought before, by this browser, which got no reply to it.
        with suppress(SessionUnknown):
            status = services().read(browser_sessions.status_of, renewed.ticket, at=clock.now())
            session_cookie.put(renewed)
            return to(status.purpose, session_id)
        raise


def sign_out(session_id: str, purpose: Purpose) -> SessionCookie:
    """Let another user sign in, in the session of the present POST; return its new cookie."""
    cookie, _ = posted(session_id, purpose)
    renewed = cookie.renewed(SIGNED_OUT)
    services().write(
        browser_sessions.sign_out, cookie.ticket, renewed.ticket, at=clock.now()
    )
    session_cookie.put(renewed)
    return renewed


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


def frame(cookie: SessionCookie, status: SessionStatus) -> dict[str, Any]:
    """Return the values that every page of a session has."""
    return {"brand": shown_brand(status.page_id), "form_token": csrf_token(cookie)}


def page_of_problem(exc: Exception, problem: Problem) -> ResponseReturnValue | None:
    """Return the sign-in form with *problem*, if that is what the browser had sent; else None."""
    session_id, purpose = _of_request()
    if session_id is None or purpose is None or not isinstance(exc, _OF_THE_FORM):
        return None
    with suppress(SessionAbsent, SessionError, NotCommitted):
        cookie, status = opened(session_id, purpose)
        if status.state == "open":
            return sign_in_page(cookie, status, problem=problem)
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


def _signing_in(session_id: str, purpose: Purpose) -> tuple[SessionCookie, SessionStatus]:
    cookie = session_cookie.read(session_id)
    check_form(cookie)
    status = services().read(
        browser_sessions.signing_in, cookie.ticket, purpose=purpose, at=clock.now()
    )
    return cookie, _adopted(status)


def terms(secret_key: str) -> Terms:
    """Return what an invitation is made with, for a cookie that *secret_key* signs."""
    return Terms(
        language=translation.language(),
        secret_key=secret_key,
        rate_limit_keys=services().rate_limit_keys,
    )


def _record(purpose: Purpose) -> RecordSignIn:
    if purpose == "connections":
        return browser_sessions.sign_in
    # The cookie of after the sign-in is signed with the present key.
    return partial(session_invitations.sign_in, terms=terms(services().settings.secret_key))


def _place_of(cookie: SessionCookie, status: SessionStatus) -> Place[SessionCookie]:
    keys = services().rate_limit_keys
    return Place(
        cookie=cookie,
        page_id=status.page_id,
        renewed=cookie.renewed,
        record=_record(status.purpose),
        depart=browser_sessions.depart,
        come_back=browser_sessions.come_back,
        password_counters=lambda username: keys.page_sign_in(username, rate_limits.address()),
        visit_counters=lambda: keys.page_provider_visit(rate_limits.address()),
        kind=provider_state.SESSION,
        put=session_cookie.put,
        page=lambda problem, username: sign_in_page(
            cookie, status, problem=problem, username=username
        ),
        go_on=lambda _: to(status.purpose, status.id),
        leave=lambda url, provider: _leaving(url, provider.label, status),
    )


def _leaving(url: str, provider: str, status: SessionStatus) -> ResponseReturnValue:
    """Return a page that leads to *url* by itself.

    Not a redirect: Chromium applies form-action, which is 'self' here, to those of a form as well.
    """
    return render_template(
        "leaving.html", brand=shown_brand(status.page_id), url=url, provider=provider
    )


def _adopted(status: SessionStatus) -> SessionStatus:
    g.page_id = status.page_id
    return status


def _page_asked() -> PageId:
    """Return the page that `page` names; with one configured page it may be left out."""
    pages, asked = services().page_ids, request.args.getlist("page")
    if len(asked) > 1:
        raise LinkAmbiguous
    if not asked and len(pages) == 1:
        return next(iter(pages))
    if asked and asked[0] in pages:
        return PageId(asked[0])
    raise PageUnknown
