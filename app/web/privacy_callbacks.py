"""The callbacks that Meta posts when a person removes the app, or wants their data deleted.

developers.facebook.com, "Data Deletion Request Callback", read 2026-11. Nothing is done on the word
of a request: what counts is the signature with the app secret. Whatever is wrong with it, the
answer is the same.
"""

from typing import Final

import structlog
from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from app.infra import clock
from app.messenger.signed_request import BadSignedRequest, read_signed_request
from app.privacy import requests
from app.privacy.requests import Source, Taken
from app.privacy.values import Kind
from app.web import paths
from app.web.current import services

log = structlog.get_logger()
bp = Blueprint("privacy", __name__)

_FIELD: Final = "signed_request"
_FORM: Final = "application/x-www-form-urlencoded"
_DELETION, _DEAUTHORIZE = paths.PRIVACY_CALLBACKS


@bp.post(_DELETION)
def data_deletion() -> ResponseReturnValue:
    """Take in a request to erase a person; answer with the page that tells how far it is."""
    taken = _take("deletion")
    page = url_for("deletion.show", code=taken.code)
    return {
        "url": f"{services().settings.public_url}{page}",
        "confirmation_code": taken.code,
    }


@bp.post(_DEAUTHORIZE)
def deauthorize() -> ResponseReturnValue:
    """Take in that a person has removed the app: their links end."""
    _take("deauthorize")
    # Not HTML: the headers of a page are not sent.
    return Response(status=200, mimetype="text/plain")


def _take(kind: Kind) -> Taken:
    text, built, at = _signed_request(), services(), clock.now()
    try:
        signed = read_signed_request(text, app_secrets=built.settings.app_secrets, at=at)
    except BadSignedRequest as exc:
        log.warning("privacy.refused", kind=kind, reason=exc.reason)
        raise
    taken = built.write(
        requests.take,
        Source(kind, signed.payload),
        secret_keys=built.settings.secret_keys,
        user_id=signed.user_id,
        asked_at=signed.issued_at,
        at=at,
    )
    log.info("privacy.asked", kind=kind, reference=taken.reference, is_new=taken.is_new)
    return taken


def _signed_request() -> str:
    """Return the one field of the form, which has been counted and measured: see `count_input`."""
    if request.mimetype != _FORM:
        raise UnsupportedMediaType
    # Before they are parsed: one field has no separator.
    is_one = b"&" not in request.get_data()
    fields = [*request.form.items(multi=True)] if is_one else []
    if request.args or [name for name, _ in fields] != [_FIELD]:
        # Twice, or beside others: two readers may take different ones.
        raise BadRequest
    return fields[0][1]
