"""The page on which people see their own connections and end them (R133).

It has two doors: `/connections`, with a sign-in of its own, and every log-in from the chat, under
the sign-in of that attempt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from babel import Locale
from babel.dates import format_date
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.infra import clock
from app.infra.settings.languages import SHIPPED, SOURCE
from app.linking import own_connections
from app.linking.errors import SessionOver
from app.linking.link_import import BEFORE_ALL
from app.linking.own_connections import MOST_SHOWN, ConnectionUnknown, End
from app.linking.session_status import SessionStatus
from app.linking.values import LinkValue, Ticket, User
from app.messenger.display_names import clean_name
from app.web.current import services
from app.web.languages import translation
from app.web.languages.message import N_, Message
from app.web.pages import attempt_cookie, session_pages, sessions
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.pages.brands import shown_brand
from app.web.pages.csrf import posted
from app.web.pages.doors import check_is_on
from app.web.pages.rendering import can_see_connections, current_status, form_frame, page_of
from app.web.pages.sealed_cookies import derived
from app.web.pages.session_cookie import SessionCookie
from app.web.pages.time_left import TimeLeft
from app.web.problems.problem import Problem

log = structlog.get_logger()
bp = Blueprint("connections", __name__)

# By the cause of the link; one that was imported says neither.
_HOW: Final[dict[str, Message]] = {"messenger": N_("By Log In"), "m.me": N_("By link")}


@dataclass(frozen=True, slots=True)
class Row:
    """One connection as the list shows it; *name* None: Messenger does not tell it."""

    key: str
    name: str | None
    page: str
    since: str | None
    how: Message | None


@bp.get("/connections")
def enter() -> ResponseReturnValue:
    """Open a session, in which a person signs in to see the list."""
    check_is_on("connections")
    return sessions.open_("connections")


@bp.get("/connections/<session_id>")
@bp.get("/connections/<session_id>/sign-in", endpoint="show_sign_in")
@bp.get("/connections/<session_id>/sign-out", endpoint="show_sign_out")
def show(session_id: str) -> ResponseReturnValue:
    """Show the sign-in form, or the list."""
    cookie, status = _opened(session_id)
    if status.state == "open":
        return session_pages.sign_in_page(cookie, status)
    user = _user(status)
    if status.must_choose_password:
        return session_pages.password_page(cookie, status)
    return _list(
        user,
        lambda key: url_for(".ask", session_id=session_id, key=key),
        lambda key: url_for(".show", session_id=session_id, after=key),
        not_you_action=url_for(".sign_out", session_id=session_id),
        display_name=clean_name(status.display_name or ""),
        **_session_frame(cookie, status),
    )


@bp.post("/connections/<session_id>/sign-in")
def sign_in(session_id: str) -> ResponseReturnValue:
    check_is_on("connections")
    return sessions.sign_in(session_id, "connections")


@bp.get("/connections/<session_id>/provider/<name>", endpoint="show_departure")
def show_departure(session_id: str, name: str) -> ResponseReturnValue:  # noqa: ARG001 - the address has it
    return show(session_id)


@bp.post("/connections/<session_id>/provider/<name>")
def depart(session_id: str, name: str) -> ResponseReturnValue:
    check_is_on("connections")
    return sessions.depart(session_id, "connections", name)


@bp.post("/connections/<session_id>/sign-out")
def sign_out(session_id: str) -> ResponseReturnValue:
    """Let another user sign in."""
    check_is_on("connections")
    return sessions.sign_out(session_id, "connections")


@bp.get("/connections/<session_id>/disconnect/<key>")
def ask(session_id: str, key: str) -> ResponseReturnValue:
    """Ask whether the connection of *key* is to end."""
    cookie, status = _opened(session_id)
    user = _user(status)
    if status.must_choose_password:
        return session_pages.password_page(cookie, status)
    return _question(
        user,
        key,
        action=url_for(".disconnect", session_id=session_id, key=key),
        back=url_for(".show", session_id=session_id),
        **_session_frame(cookie, status),
    )


@bp.post("/connections/<session_id>/disconnect/<key>")
def disconnect(session_id: str, key: str) -> ResponseReturnValue:
    check_is_on("connections")
    cookie, status = sessions.posted_by_user(session_id, "connections")
    if status.must_choose_password:
        raise NotFound
    _end(own_connections.end_in_session, cookie.ticket, key)
    return sessions.to("connections", session_id)


@bp.get("/authorize/<attempt_id>/connections")
def show_in_attempt(attempt_id: str) -> ResponseReturnValue:
    """Show the list to whoever has signed in in this attempt."""
    cookie = attempt_cookie.read(attempt_id)
    status = current_status(cookie)
    if status.user is None or not can_see_connections(status):
        return page_of(cookie, status)
    return list_in_attempt(cookie, status.user, **form_frame(cookie, status))


def list_in_attempt(
    cookie: AttemptCookie, user: User, *, problem: Problem | None = None, **frame: Any
) -> str:
    """Return the list of *user* under the sign-in of an attempt."""
    attempt_id = cookie.ticket.attempt_id
    return _list(
        user,
        lambda key: url_for("connections.ask_in_attempt", attempt_id=attempt_id, key=key),
        lambda key: url_for("connections.show_in_attempt", attempt_id=attempt_id, after=key),
        problem=problem,
        back=url_for("authorize.show_confirm", attempt_id=attempt_id),
        **frame,
    )


@bp.get("/authorize/<attempt_id>/connections/<key>")
def ask_in_attempt(attempt_id: str, key: str) -> ResponseReturnValue:
    """Ask whether the connection of *key* is to end."""
    cookie = attempt_cookie.read(attempt_id)
    status = current_status(cookie)
    if status.user is None or not can_see_connections(status):
        return page_of(cookie, status)
    return _question(
        status.user,
        key,
        action=url_for(".disconnect_in_attempt", attempt_id=attempt_id, key=key),
        back=url_for(".show_in_attempt", attempt_id=attempt_id),
        **form_frame(cookie, status),
    )


@bp.post("/authorize/<attempt_id>/connections/<key>")
def disconnect_in_attempt(attempt_id: str, key: str) -> ResponseReturnValue:
    cookie = posted(attempt_id)
    status = current_status(cookie)
    if status.user is not None and status.must_choose_password:
        return page_of(cookie, status)
    _end(own_connections.end_in_attempt, cookie.ticket, key)
    return redirect(url_for(".show_in_attempt", attempt_id=attempt_id), 303)


def _list(
    user: User, ask_url: Callable[[str], str], after_url: Callable[[str], str], **more: Any
) -> str:
    links = services().read(own_connections.newest_first, user)
    first = _place_behind(links, request.args.get("after"))
    shown, rest = links[first : first + MOST_SHOWN], links[first + MOST_SHOWN :]
    rows = [_row(link) for link in shown]
    return render_template(
        "connections/list.html",
        rows=rows,
        ask_url=ask_url,
        more_url=after_url(rows[-1].key) if rest else None,
        help_url=dict(services().settings.sign_in.help_links).get("help"),
        **{"problem": None, "back": None, "not_you_action": None, "display_name": None, **more},
    )


def _place_behind(links: tuple[LinkValue, ...], key: str | None) -> int:
    """Return the place in *links* behind the one of *key*; the first without one."""
    if key is None:
        return 0
    return links.index(_found(links, key)) + 1


def _question(user: User, key: str, **more: Any) -> str:
    link = _found(services().read(own_connections.newest_first, user), key)
    return render_template("connections/disconnect.html", row=_row(link), **more)


def _found(links: tuple[LinkValue, ...], key: str) -> LinkValue:
    """Return the one of *links* that has *key*; another's key is answered as none is."""
    try:
        return own_connections.find(links, key, secrets=_secrets())
    except ConnectionUnknown as exc:
        raise NotFound from exc


def _row(link: LinkValue) -> Row:
    return Row(
        key=own_connections.key_of(link, secret=_secrets()[0]),
        name=clean_name(link.messenger_name or "") or None,
        page=shown_brand(link.page_id).name,
        since=None if link.event_at <= BEFORE_ALL else _day(link.event_at),
        how=_HOW.get(link.cause),
    )


def _day(at: datetime) -> str:
    """Return the day of *at*, by UTC, as people write it who read the page."""
    language = translation.language()
    locale = Locale.parse(language if language in SHIPPED else SOURCE, sep="-")
    return format_date(at.date(), format="long", locale=locale)


def _secrets() -> tuple[bytes, ...]:
    return tuple(derived(key, "own connections") for key in services().settings.secret_keys)


def _opened(session_id: str) -> tuple[SessionCookie, SessionStatus]:
    check_is_on("connections")
    cookie, status = sessions.opened(session_id, "connections")
    if status.state in {"expired", "ended"}:
        raise SessionOver
    return cookie, status


def _user(status: SessionStatus) -> User:
    if status.user is None:
        raise SessionOver
    return status.user


def _session_frame(cookie: SessionCookie, status: SessionStatus) -> dict[str, Any]:
    return {**session_pages.frame(cookie, status), "time_left": TimeLeft.until(status.expires_at)}


def _end(end: End, ticket: Ticket, key: str) -> None:
    """End the connection of *key*; another's is answered as none is."""
    policy = services().policy
    try:
        ended = services().write(
            end, ticket, key, secrets=_secrets(), policy=policy, at=clock.now()
        )
    except ConnectionUnknown as exc:
        raise NotFound from exc
    for link in ended.links:
        log.info("link.ended", page=link.page_id, psid=link.psid, cause=link.cause)
