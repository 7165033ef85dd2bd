"""The pictures of people and Pages: drawn for the emulator, served as Messenger serves them."""

import base64
import hmac
import time
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, request

from app.emulator import network_faults
from app.emulator.context import Emulator, current_emulator
from app.emulator.faults import failures
from app.emulator.faults.failures import Failure
from app.emulator.faults.pictures import PICTURE_FAULTS
from app.emulator.webhooks.journal import Exchange

bp = Blueprint("pictures", __name__)

FOLDER: Final = Path(__file__).parent / "static/pictures"
# Of the demo's Page, for the settings of the server under test.
HARBOUR_COFFEE_LOGO: Final = FOLDER / "harbour-coffee.png"
_STRANGER: Final = "person"
_PNG: Final = "image/png"
_HUGE: Final = 1024 * 1024
# Where cloud machines learn their own secrets.
_INWARD: Final = "https://169.254.169.254/latest/meta-data/"
_DRAWN: Final = frozenset(path.stem for path in FOLDER.glob("*.png"))
# Meta says that an address expires, not when.
# https://developers.facebook.com/documentation/business-messaging/messenger-platform/identity/user-profile
_LIFETIME: Final = timedelta(days=30)


def register_template_helpers(app: Flask) -> None:
    """Register what the templates use to show faces."""
    app.add_template_global(lambda psid: profile_pic(current_emulator(), psid), "portrait")
    app.add_template_filter(page_picture, "page_picture")


def page_picture(name: str) -> str | None:
    """Return the picture of the Page called *name*, a path below static/, if one is drawn."""
    return f"pictures/{_file_of(name)}.png" if _file_of(name) in _DRAWN else None


def profile_pic(emulator: Emulator, psid: str) -> str:
    """Return the path of a person's picture, valid for a while by Messenger's clock."""
    expires = int((emulator.clock() + _LIFETIME).timestamp())
    proof = _hash(emulator, psid, str(expires))
    query = urlencode({"psid": psid, "width": 1024, "ext": expires, "hash": proof})
    return f"/platform/profilepic/?{query}"


@bp.get("/platform/profilepic/")
def show() -> Response:
    """Answer with the picture of `psid` until `ext`, if `hash` proves that Graph named both."""
    emulator, started = current_emulator(), time.perf_counter()
    psid, expires = request.args.get("psid", ""), request.args.get("ext", "")
    response, failure = _answer(emulator, psid, expires, request.args.get("hash", ""))
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        # Not the chat on display, which is no part of what a developer builds.
        emulator.journal.add(
            Exchange(
                kind="graph",
                title="GET platform/profilepic",
                at=emulator.clock(),
                method="GET",
                url=request.full_path,
                headers=tuple(request.headers.items()),
                status=response.status_code,
                answer_headers=tuple(response.headers.items()),
                milliseconds=(time.perf_counter() - started) * 1000,
                failure=failure,
            )
        )
    return response


def _answer(
    emulator: Emulator, psid: str, expires: str, given: str
) -> tuple[Response, Failure | None]:
    if not hmac.compare_digest(given.encode(), _hash(emulator, psid, expires).encode()):
        return _refusal("URL signature mismatch"), failures.PICTURE_ALTERED
    if int(expires) <= emulator.clock().timestamp():
        return _refusal("URL signature expired"), failures.PICTURE_EXPIRED
    # A reset removes those who were new.
    everybody = emulator.state.every_thread()
    person = next((each.person for each in everybody if each.psid == psid), "")
    name = _file_of(person)
    drawn = name if name in _DRAWN else _STRANGER
    return _faulty(emulator, (FOLDER / f"{drawn}.png").read_bytes()), None


def _faulty(emulator: Emulator, picture: bytes) -> Response:
    """Answer with *picture*, or as the fault has it that is on."""
    fault = next((row[0] for row in PICTURE_FAULTS if emulator.faults.fires(row[0])), None)
    whole = Response(picture, content_type=_PNG)
    match fault:
        case "picture-gone":
            return Response("Not Found", 404, content_type="text/plain; charset=utf-8")
        case "picture-slow":
            return network_faults.dripping(whole)
        case "picture-huge":
            return Response(picture.ljust(_HUGE, b"\0"), content_type=_PNG)
        case "picture-html":
            return Response("<!DOCTYPE html><script>alert(1)</script>", content_type=_PNG)
        case "picture-inward":
            return Response(status=302, headers={"Location": _INWARD})
        case _:
            return whole


def _refusal(words: str) -> Response:
    # Meta documents neither; these are the words that people quote.
    return Response(words, 403, content_type="text/plain; charset=utf-8")


def _hash(emulator: Emulator, psid: str, expires: str) -> str:
    message = f"profile_pic {psid} {expires}".encode(errors="replace")
    digest = hmac.digest(emulator.settings.app_secret.encode(), message, "sha256")
    return "Ab" + base64.urlsafe_b64encode(digest[:12]).decode()


def _file_of(name: str) -> str:
    return name.casefold().replace(" ", "-")
