"""The page with a switch for everything that can go wrong, the clock, and triggers."""

from datetime import timedelta
from itertools import groupby
from typing import Final

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.emulator.context import emulator
from app.emulator.fault_table import FAULTS
from app.emulator.triggers import WHAT, Trigger, pull

bp = Blueprint("switchboard", __name__, url_prefix="/faults")

_STEPS: Final = {
    "6-minutes": timedelta(minutes=6),
    "1-hour": timedelta(hours=1),
    "1-day": timedelta(days=1),
}
_NOW: Final = "now"
_LATE: Final = timedelta(hours=1)
_AREAS: Final = {
    "webhook": "Webhooks",
    "signature": "Signatures",
    "subscription": "Subscriptions",
    "return": "The way there and back",
    "graph": "Graph",
    "seldom": "Graph, seldom",
}


@bp.get("")
def show() -> str:
    held = emulator()
    rows = sorted(FAULTS.values(), key=lambda fault: list(_AREAS).index(fault.area))
    areas = [(_AREAS[area], list(those)) for area, those in groupby(rows, lambda row: row.area)]
    return render_template(
        "switchboard.html",
        areas=areas,
        on=held.faults.on(),
        now=held.clock(),
        ahead=held.clock.ahead,
        steps=_STEPS,
        what=WHAT,
        threads=held.state.every_thread(),
        pages=held.state.pages,
    )


@bp.post("/<name>")
def switch(name: str) -> ResponseReturnValue:
    """Turn a fault on, or on for once, or off."""
    if name not in FAULTS:
        abort(404)
    faults = emulator().faults
    match request.form.get("to"):
        case "on":
            faults.turn_on(name)
        case "once":
            faults.turn_on(name, 1)
        case "off":
            faults.turn_off(name)
        case _:
            abort(400)
    return redirect(url_for(".show", _anchor=name), 303)


@bp.post("/all-off")
def all_off() -> ResponseReturnValue:
    emulator().faults.clear()
    return redirect(url_for(".show"), 303)


@bp.post("/time")
def skip() -> ResponseReturnValue:
    """Let time pass on Messenger's clock, or have it go with this machine's again."""
    wanted = request.form.get("by", "")
    if wanted == _NOW:
        emulator().return_to_now()
    elif wanted in _STEPS:
        emulator().courier.advance(_STEPS[wanted])
    else:
        abort(400)
    return redirect(url_for(".show", _anchor="time"), 303)


@bp.post("/trigger")
def trigger() -> ResponseReturnValue:
    """Let something happen to a person; the inspector shows how it went."""
    held = emulator()
    page_id, _, psid = request.form.get("who", "").partition("/")
    thread = held.state.find_thread(page_id, psid)
    what = request.form.get("what", "")
    if thread is None or what not in WHAT:
        abort(400)
    late = _LATE if "late" in request.form else timedelta()
    pull(held, thread, Trigger(what=what, twice="twice" in request.form, late=late))
    return redirect(url_for("inspector.show"), 303)
