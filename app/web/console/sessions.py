"""The sessions page: who is signed in, and the ending of a session."""

from typing import Final

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.operators import sessions
from app.operators.acts import Act, Subject
from app.operators.roles import Role
from app.web.console import cookies, guard
from app.web.console.current import now, signed_in
from app.web.console.rendering import page
from app.web.console.rules import allows
from app.web.current import services

bp = Blueprint("sessions", __name__)

MOST_SHOWN: Final = 200


@bp.get("/sessions")
@allows(Role.VIEWER)
def list_() -> ResponseReturnValue:
    """Show one's own sessions; to an admin everybody's."""
    operator = signed_in()
    actor = None if operator.role.may(Role.ADMIN) else operator.actor
    shown = services().read(sessions.running, actor=actor, most=MOST_SHOWN, at=now())
    rows = [(each, sessions.ends_at(each.seen_at, each.expires_at)) for each in shown]
    return page("sessions.html", rows=rows, is_for_all=actor is None)


@bp.post("/sessions/<session_id>/end")
@allows(Role.VIEWER, act=Act.SESSION_ENDED)
def end(session_id: str) -> ResponseReturnValue:
    """End a session: one's own, or as an admin who has just signed in anybody's."""
    operator = signed_in()
    own = services().read(sessions.running, actor=operator.actor, most=MOST_SHOWN, at=now())
    if session_id not in {each.id for each in own}:
        guard.require(Role.ADMIN)
        guard.require_fresh("/sessions")
        known = services().read(sessions.running, most=MOST_SHOWN, at=now())
        if session_id not in {each.id for each in known}:
            raise NotFound
    guard.done(Subject("session", session_id), sessions.end, session_id, at=now())
    if session_id == operator.session_id:
        cookies.drop_session()
    return redirect(url_for(".list_"), 303)
