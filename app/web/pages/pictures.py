"""The picture of the person in Messenger, for the page that asks whether to connect them.

The browser of the attempt gets it from here: Meta learns nothing of who looks, and no page waits.
"""

from typing import Final

import structlog
from flask import Blueprint, Response, url_for
from flask.typing import ResponseReturnValue

from app.infra import clock
from app.infra.admission import Busy
from app.infra.database.writer import NotCommitted
from app.infra.observability import metrics
from app.linking.attempt_status import AttemptStatus, status_of
from app.linking.errors import AttemptUnknown
from app.messenger.errors import RedirectRefused
from app.messenger.kept_pictures import NoPlace
from app.messenger.pictures import Picture, PictureRefused
from app.web import request_reference
from app.web.current import services
from app.web.exceptions import CookieAbsent
from app.web.pages import attempt_cookie

log = structlog.get_logger()
bp = Blueprint("pictures", __name__, url_prefix="/authorize")

_NOT_THERE: Final = 404


@bp.get("/<attempt_id>/picture")
def show(attempt_id: str) -> ResponseReturnValue:
    """Answer with the picture; with 404 and nothing else where there is none to be shown."""
    status = _status(attempt_id)
    if status is None:
        return _none()
    address = _shown_address(status)
    if address is None:
        services().kept_pictures.forget(attempt_id)
        return _none()
    picture = _picture(attempt_id, address, status)
    if picture is None:
        return _none()
    return Response(picture.content, content_type=picture.kind)


def picture_url(attempt_id: str, status: AttemptStatus) -> str | None:
    """Return where the browser finds the picture, None where there is none to be shown."""
    return url_for("pictures.show", attempt_id=attempt_id) if _shown_address(status) else None


def _shown_address(status: AttemptStatus) -> str | None:
    """Return where Messenger has the picture that pages may show, None if they may show none."""
    may_show = services().settings.pictures.shown and not status.is_over
    return status.picture_url if may_show and status.state == "signed_in" else None


def _none() -> Response:
    return Response(status=_NOT_THERE)


def _status(attempt_id: str) -> AttemptStatus | None:
    """Return the status of the attempt, if the browser has its cookie."""
    try:
        cookie = attempt_cookie.read(attempt_id)
        status = services().read(status_of, cookie.ticket, at=clock.now())
    except (CookieAbsent, RedirectRefused, AttemptUnknown, NotCommitted):
        return None
    request_reference.adopt(status)
    return status


def _picture(attempt_id: str, address: str, status: AttemptStatus) -> Picture | None:
    kept = services().kept_pictures.kept(attempt_id, address)
    if kept is None:
        kept = _fetched(attempt_id, address, status)
    if isinstance(kept, Picture):
        metrics.count_picture("shown")
        return kept
    is_slow = kept is None or kept.reason == "slow"
    metrics.count_picture("slow" if is_slow else "refused")
    return None


def _fetched(
    attempt_id: str, address: str, status: AttemptStatus
) -> Picture | PictureRefused | None:
    """Fetch the picture; return None where no place is free for that."""
    left_s = (status.expires_at - clock.now()).total_seconds()
    try:
        with services().admission.enter():
            return services().kept_pictures.fetch(attempt_id, address, left_s=left_s)
    except (Busy, NoPlace):
        return None
    except PictureRefused as exc:
        log.warning("profile.picture_refused", reason=exc.reason, host=exc.host)
        return exc
