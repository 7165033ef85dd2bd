"""The page on which a person in a browser session replaces a password that somebody else has set.

Nothing else is done in the session before (OWASP ASVS 5.0, 6.4.1).
"""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.linking.session_status import Purpose
from app.web.pages import sessions
from app.web.pages.choosing_password import change_password, is_repeat
from app.web.pages.doors import check_is_on
from app.web.pages.outcomes import CONTINUE, PASSWORD_CHANGED
from app.web.pages.password_form import can_choose_password
from app.web.pages.session_pages import frame, password_page

bp = Blueprint("session_password", __name__)


# `/connect/<session_id>/password` is one of the addresses of every state there.
@bp.get("/connections/<session_id>/password")
def show(session_id: str) -> ResponseReturnValue:
    return sessions.to("connections", session_id)


# By their purpose, not by a converter: the paths of any step at `/connect` would go before.
@bp.post("/connect/<session_id>/password", defaults={"purpose": "connect"})
@bp.post("/connections/<session_id>/password", defaults={"purpose": "connections"})
def change(purpose: Purpose, session_id: str) -> ResponseReturnValue:
    check_is_on(purpose)
    # The form may have been sent twice, as that of the sign-in.
    cookie, status = sessions.posted_to_sign_in(session_id, purpose)
    if status.user is None or not can_choose_password(status):
        return sessions.to(purpose, session_id)
    place = sessions.place_of(cookie, status)
    if not status.must_choose_password and not is_repeat(place, status.user):
        return sessions.to(purpose, session_id)
    if (problem := change_password(place, status.user)) is not None:
        # For the present secret alone, as every page of the present state.
        return password_page(*sessions.opened(session_id, purpose), problem)
    sessions.log_invitation(session_id, source="page")
    return redirect(url_for(".show_changed", purpose=purpose, session_id=session_id), 303)


@bp.get("/connect/<session_id>/password/changed", defaults={"purpose": "connect"})
@bp.get("/connections/<session_id>/password/changed", defaults={"purpose": "connections"})
def show_changed(purpose: Purpose, session_id: str) -> ResponseReturnValue:
    check_is_on(purpose)
    cookie, status = sessions.opened(session_id, purpose)
    if status.must_choose_password or not can_choose_password(status):
        return sessions.to(purpose, session_id)
    return render_template(
        "outcome.html",
        outcome=PASSWORD_CHANGED,
        again_action=url_for(f"{purpose}.show", session_id=session_id),
        again_method="get",
        again_label=CONTINUE,
        **frame(cookie, status),
    )
