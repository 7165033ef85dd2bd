"""The Faults page: a switch for each fault, the clock, and triggers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.emulator import referrals
from app.emulator.context import current_emulator
from app.emulator.faults.fault import Fault
from app.emulator.faults.scenarios import SCENARIOS
from app.emulator.faults.table import FAULTS
from app.emulator.faults.ways_in import FAULTS_OF_WAYS, WAYS_IN
from app.emulator.triggers import TRIGGERS, Trigger, run_trigger

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
    "return": "Round trip",
    "m-me": "Links by m.me",
    "graph": "Graph",
    "seldom": "Graph: rare errors",
}


@dataclass(frozen=True, slots=True)
class _Area:
    """The faults of one area; the page shows the switches of an area that *is_open*."""

    name: str
    title: str
    faults: tuple[Fault, ...]
    is_open: bool


@bp.get("")
def show() -> str:
    """Show every switch, or those with all words of `find` in their name or description."""
    emulator, find = current_emulator(), request.args.get("find", "").strip()
    areas = _areas(find.casefold().split(), opened=request.args.get("area", ""))
    return render_template(
        "faults.html",
        areas=areas,
        find=find,
        count=sum(len(area.faults) for area in areas),
        on=emulator.faults.on(),
        scenarios=SCENARIOS.values(),
        ways_in=WAYS_IN.values(),
        now=emulator.clock(),
        ahead=emulator.clock.ahead,
        steps=_STEPS,
        triggers=TRIGGERS,
        threads=emulator.state.every_thread(),
        pages=emulator.state.pages,
    )


def _areas(words: Sequence[str], *, opened: str) -> list[_Area]:
    """Return the faults that are on, then the rest by area; without empty areas."""
    on = current_emulator().faults.on()
    matching = [fault for fault in FAULTS.values() if _matches(fault, words)]
    active = tuple(fault for fault in matching if fault.name in on)
    areas = [_Area("on", "On now", active, is_open=True)]
    for name, title in _AREAS.items():
        inactive = (fault for fault in matching if fault.name not in on)
        faults = tuple(fault for fault in inactive if fault.area == name)
        areas.append(_Area(name, title, faults, is_open=bool(words) or name == opened))
    return [area for area in areas if area.faults]


def _matches(fault: Fault, words: Sequence[str]) -> bool:
    text = f"{fault.name} {fault.does}".casefold()
    return all(word in text for word in words)


@bp.post("/<name>")
def switch(name: str) -> ResponseReturnValue:
    """Turn a fault on, on for one occurrence, or off."""
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


@bp.post("/scenarios/<name>")
def play(name: str) -> ResponseReturnValue:
    """Turn the faults of a scenario on or off, all of them."""
    if name not in SCENARIOS or request.form.get("to") not in {"on", "off"}:
        abort(404 if name not in SCENARIOS else 400)
    faults = current_emulator().faults
    change = faults.turn_on if request.form["to"] == "on" else faults.turn_off
    for fault in SCENARIOS[name].faults:
        change(fault)
    return redirect(url_for(".show", _anchor=f"scenario-{name}"), 303)


@bp.post("/ways-in/<name>")
def prepare(name: str) -> ResponseReturnValue:
    """Prepare every chat for a way in by an m.me link, with its faults and no other way's."""
    if name not in WAYS_IN:
        abort(404)
    emulator, way = current_emulator(), WAYS_IN[name]
    for fault in FAULTS_OF_WAYS:
        (emulator.faults.turn_on if fault in way.faults else emulator.faults.turn_off)(fault)
    for thread in emulator.state.every_thread():
        if way.is_new:
            emulator.state.forget_messages(thread.page_id, thread.psid)
        elif not thread.is_started:
            referrals.say(emulator, thread, "Hello!")
    return redirect(url_for(".show", prepared=name, _anchor="ways-in"), 303)


@bp.post("/all-off")
def all_off() -> ResponseReturnValue:
    current_emulator().faults.clear()
    return redirect(url_for(".show"), 303)


@bp.post("/time")
def skip() -> ResponseReturnValue:
    """Move Messenger's clock forward, or set it back to this computer's."""
    step = request.form.get("by", "")
    if step == _NOW:
        current_emulator().return_to_now()
    elif step in _STEPS:
        current_emulator().dispatcher.advance(_STEPS[step])
    else:
        abort(400)
    return redirect(url_for(".show", _anchor="time"), 303)


@bp.post("/trigger")
def trigger() -> ResponseReturnValue:
    """Send an event or callback for a person; the inspector shows the outcome."""
    emulator = current_emulator()
    page_id, _, psid = request.form.get("who", "").partition("/")
    thread = emulator.state.find_thread(page_id, psid)
    what = request.form.get("what", "")
    if thread is None or what not in TRIGGERS:
        abort(400)
    late = _LATE if "late" in request.form else timedelta()
    ref = request.form.get("ref") or None
    wanted = Trigger(what=what, ref=ref, twice="twice" in request.form, late=late)
    try:
        run_trigger(emulator, thread, wanted)
    except ValueError as exc:
        abort(400, str(exc))
    return redirect(url_for("inspector.show"), 303)
