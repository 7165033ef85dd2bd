"""The page that tells a person how far the deletion of their data is (Meta asks for one)."""

from datetime import datetime
from typing import Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.privacy import requests
from app.privacy.erasure import TOMBSTONE_KEPT
from app.privacy.requests import DUTY_WITHIN
from app.privacy.values import Request
from app.web.current import services
from app.web.languages.message import N_, Message
from app.web.pages.brands import brand_here

bp = Blueprint("deletion", __name__)

_RECEIVED: Final = N_("Your request has arrived. We’re working on it.")
_BY_HAND: Final = N_(
    "Your request has arrived. Your data has to be found by hand, by %(date)s at the latest."
)
DELETED: Final = N_("Your data is deleted, and your Messenger profile is no longer connected.")
_NOTHING: Final = N_("Nothing about your Messenger profile is stored here any more.")
_UNKNOWN: Final = N_("There’s no request with this code, or it was finished long ago.")


@bp.get("/privacy/deletion")
def show() -> ResponseReturnValue:
    """Show the request of a confirmation code: its state, what is gone, what stays and why.

    The code is in the query, which the logs of proxies leave out.
    """
    codes = request.args.getlist("code")
    found = services().read(requests.find_by_code, codes[0]) if len(codes) == 1 else None
    # Only a deletion has told its code to anybody.
    known = found if found is not None and found.kind == "deletion" else None
    body = render_template(
        "deletion.html",
        brand=brand_here(),
        sentence=_sentence(known) if known else _UNKNOWN,
        is_deleted=known is not None and bool(known.found),
        is_over=known is not None and known.state in {"ended", "done"},
        tombstone_until=_tombstone_until(known) if known else None,
        reference=known.reference if known else None,
    )
    return body, 200 if known else 404


def _sentence(asked: Request) -> Message:
    if asked.state == "received":
        return _RECEIVED
    if asked.state == "duty":
        return _BY_HAND.with_values(date=_day(asked.asked_at + DUTY_WITHIN))
    return DELETED if asked.found else _NOTHING


def _tombstone_until(asked: Request) -> str | None:
    is_kept = asked.state == "ended" and asked.ended_at is not None and asked.found
    return _day(asked.ended_at + TOMBSTONE_KEPT) if is_kept and asked.ended_at else None


def _day(at: datetime) -> str:
    # As ISO 8601 has it: read the same in every language. Not to be broken at its hyphens.
    return at.date().isoformat().replace("-", "\N{NON-BREAKING HYPHEN}")
