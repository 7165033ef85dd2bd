"""The page on which the owner of a built-in account changes the password, within an attempt.

It is reached after a sign-in only: a guess here costs a live token of a real profile, as it does on
the sign-in page, and is counted by the same limits.
"""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from app.infra import clock
from app.linking import attempts
from app.web import request_reference
from app.web.current import services
from app.web.pages import attempt_cookie
from app.web.pages.authorize import place_of, send_first_digits
from app.web.pages.choosing_password import change_password
from app.web.pages.csrf import posted
from app.web.pages.password_form import can_choose_password
from app.web.pages.rendering import changed_page, current_status, page_of, password_page

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
    # The form may have been sent twice, as that of the sign-in.
    status = services().read(
        attempts.signing_in, cookie.ticket, renewal_key=cookie.renewal_key, at=clock.now()
    )
    request_reference.adopt(status)
    # Pages of the present state are for the present secret alone.
    if status.user is None or not can_choose_password(status):
        return page_of(cookie, current_status(cookie))
    if (problem := change_password(place_of(cookie, status), status.user)) is not None:
        return password_page(cookie, current_status(cookie), problem), problem.status
    # The cookie of after the change.
    send_first_digits(attempt_cookie.read(attempt_id))
    return redirect(url_for(".show_changed", attempt_id=attempt_id), 303)
