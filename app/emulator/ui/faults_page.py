"""The page with a switch for everything that can go wrong, the clock, and triggers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.emulator.context import current_emulator
from app.emulator.faults.table import FAULTS, Fault
from app.emulator.triggers import TRIGGERS, Trigger, pull

bp = Blueprint("faults", __name__, url_prefix="/faults")

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


@dataclass(frozen=True, slots=True)
class _Area:
    """What can go wrong in one place; one that *is_open* shows its switches."""

    name: str
    title: str
    faults: tuple[Fault, ...]
    is_open: bool


@bp.get("")
def show() -> str:
    """Show every switch, or those that have all words of `find` in their name or what they do."""
    emulator, find = current_emulator(), request.args.get("find", "").strip()
    areas = _areas(find.casefold().split(), opened=request.args.get("area", ""))
    return render_template(
        "faults.html",
        areas=areas,
        find=find,
        found=sum(len(area.faults) for area in areas),
        on=emulator.faults.on(),
        now=emulator.clock(),
        ahead=emulator.clock.ahead,
        steps=_STEPS,
        what=TRIGGERS,
        threads=emulator.state.every_thread(),
        pages=emulator.state.pages,
    )


def _areas(words: Sequence[str], *, opened: str) -> list[_Area]:
    """Return what is on, and then the rest by where it goes wrong; nothing that is empty."""
    on = current_emulator().faults.on()
    wanted = [one for one in FAULTS.values() if _has(one, words)]
    those_on = tuple(one for one in wanted if one.name in on)
    areas = [_Area("on", "On now", those_on, is_open=True)]
    for name, title in _AREAS.items():
        faults = tuple(one for one in wanted if one.area == name and one.name not in on)
        areas.append(_Area(name, title, faults, is_open=bool(words) or name == opened))
    return [area for area in areas if area.faults]


def _has(fault: Fault, words: Sequence[str]) -> bool:
    told = f"{fault.name} {fault.does}".casefold()
    return all(word in told for word in words)


@bp.post("/<name>")
def switch(name: str) -> ResponseReturnValue:
    """Turn a fault on, or on for once, or off."""
    if name not in FAULTS:
        abort(404)
    faults = current_emulator().faults
    match request.form.get("to"):
        case "on":
            faults.turn_on(name)
        case "once":
            faults.turn_on(name, 1)
        case "off":
            faults.turn_off(name)
        case _:
            abort(400)
    find = request.form.get("find") or None
    area = FAULTS[name].area
    return redirect(url_for(".show", find=find, area=area, _anchor=name), 303)


@bp.post("/all-off")
def all_off() -> ResponseReturnValue:
    current_emulator().faults.clear()
    return redirect(url_for(".show"), 303)


@bp.post("/time")
def skip() -> ResponseReturnValue:
    """Let time pass on Messenger's clock, or have it go with this machine's again."""
    wanted = request.form.get("by", "")
    if wanted == _NOW:
        current_emulator().return_to_now()
    elif wanted in _STEPS:
        current_emulator().dispatcher.advance(_STEPS[wanted])
    else:
        abort(400)
    return redirect(url_for(".show", _anchor="time"), 303)


@bp.post("/trigger")
def trigger() -> ResponseReturnValue:
    """Let something happen to a person; the inspector shows how it went."""
    emulator = current_emulator()
    page_id, _, psid = request.form.get("who", "").partition("/")
    thread = emulator.state.find_thread(page_id, psid)
    what = request.form.get("what", "")
    if thread is None or what not in TRIGGERS:
        abort(400)
    late = _LATE if "late" in request.form else timedelta()
    pull(emulator, thread, Trigger(what=what, twice="twice" in request.form, late=late))
    return redirect(url_for("inspector.show"), 303)
