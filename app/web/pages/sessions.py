"""The common part of the pages of a browser session: opening, signing in, and its problems."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import structlog
from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.infra import clock
from app.linking import browser_sessions, session_invitations
from app.linking.errors import NotDeparted, SessionUnknown
from app.linking.invitation_status import read_by_session
from app.linking.renewal import SIGNED_OUT, RecordSignIn, proof_by_provider
from app.linking.session_invitations import Terms
from app.linking.session_status import Purpose, SessionStatus
from app.messenger.types import PageId
from app.web import invitation_reports, rate_limits
from app.web.current import services
from app.web.exceptions import LinkAmbiguous, PageUnknown
from app.web.languages import translation
from app.web.pages import provider_state, session_cookie, signing_in
from app.web.pages.csrf import check_form
from app.web.pages.previews import is_preview
from app.web.pages.session_cookie import SessionCookie
from app.web.pages.session_pages import leaving_page, sign_in_page
from app.web.pages.signing_in import Place

log = structlog.get_logger()


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
    return cookie, adopted(status)


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
    cookie, status = posted_to_sign_in(session_id, purpose)
    return signing_in.by_password(place_of(cookie, status))


def depart(session_id: str, purpose: Purpose, name: str) -> ResponseReturnValue:
    """Send the browser to the provider called *name*."""
    cookie, status = posted_to_sign_in(session_id, purpose)
    return signing_in.depart(place_of(cookie, status), name)


def come_back(session_id: str, name: str, params: dict[str, str]) -> ResponseReturnValue:
    """Sign in the person that a provider has sent back with its answer."""
    g.session_id = session_id
    cookie = session_cookie.read(session_id)
    renewed = cookie.renewed(proof_by_provider(params))
    try:
        status = services().read(browser_sessions.status_of, cookie.ticket, at=clock.now())
        g.purpose = status.purpose
        place = place_of(cookie, adopted(status))
        return signing_in.by_provider(place, renewed, name, params) or _arrived(status)
    except (SessionUnknown, NotDeparted):
        # This very answer may have been brought before, by this browser, which got no reply to it.
        with suppress(SessionUnknown):
            status = services().read(browser_sessions.status_of, renewed.ticket, at=clock.now())
            session_cookie.put(renewed)
            return to(status.purpose, session_id)
        raise


def sign_out(session_id: str, purpose: Purpose) -> ResponseReturnValue:
    """Let another user sign in, in the session of the present POST."""
    cookie = session_cookie.read(session_id)
    check_form(cookie)
    with suppress(SessionUnknown):
        # Not so where the form was sent twice, and the other one has renewed the secret.
        opened(session_id, purpose)
    renewed = cookie.renewed(SIGNED_OUT)
    services().write(_forget(purpose), cookie.ticket, renewed.ticket, at=clock.now())
    session_cookie.put(renewed)
    return to(purpose, session_id)


def _forget(purpose: Purpose) -> Callable[..., None]:
    if purpose == "connections":
        return partial(browser_sessions.sign_out, purpose=purpose)
    return session_invitations.sign_out


def posted_to_sign_in(session_id: str, purpose: Purpose) -> tuple[SessionCookie, SessionStatus]:
    """Return cookie and status for a POST by which the person proves who they are.

    It may have been sent twice, and its other copy have renewed the secret.

    Raises:
        SessionOver: The session is over.
        FormRefused, SessionAbsent, SessionUnknown: As `posted`.
    """
    cookie = session_cookie.read(session_id)
    check_form(cookie)
    status = services().read(
        browser_sessions.signing_in,
        cookie.ticket,
        purpose=purpose,
        renewal_key=cookie.renewal_key,
        at=clock.now(),
    )
    return cookie, adopted(status)


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


def place_of(cookie: SessionCookie, status: SessionStatus) -> Place[SessionCookie]:
    """Return how a person signs in within the session of *cookie*."""
    keys = services().rate_limit_keys
    return Place(
        cookie=cookie,
        page_id=status.page_id,
        renewed=cookie.renewed,
        record=_record(status.purpose),
        user_of=browser_sessions.user_of,
        depart=browser_sessions.depart,
        come_back=browser_sessions.come_back,
        password_counters=lambda username: keys.page_sign_in(username, rate_limits.address()),
        visit_counters=lambda: keys.page_provider_visit(rate_limits.address()),
        kind=provider_state.SESSION,
        put=session_cookie.put,
        page=lambda problem, username: sign_in_page(
            cookie, status, problem=problem, username=username
        ),
        go_on=lambda _: _arrived(status),
        leave=lambda to_it, provider: leaving_page(to_it.url, provider.label, status),
    )


def _arrived(status: SessionStatus) -> ResponseReturnValue:
    """Return the answer to a sign-in that is recorded."""
    if status.purpose == "connect":
        log_invitation(status.id, source="page")
    return to(status.purpose, status.id)


def log_invitation(session_id: str, *, source: str) -> None:
    """Log and count the invitation that a session has just got, if it has one."""
    invitation = services().read(read_by_session, session_id, at=clock.now())
    if invitation is not None:
        invitation_reports.created(invitation.reference, source=source)


def adopted(status: SessionStatus) -> SessionStatus:
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
