"""The control API, for programs: faults, time, triggers, exchanges.

All bodies are JSON. The key is printed at the start and sent as Authorization: Bearer.
"""

import hmac
from dataclasses import asdict
from typing import Any, NoReturn

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from app.emulator.context import Emulator, current_emulator
from app.emulator.control import requests
from app.emulator.faults.table import FAULTS
from app.emulator.state import Thread
from app.emulator.triggers import Trigger, run_trigger
from app.emulator.webhooks.journal import Entry

bp = Blueprint("control", __name__, url_prefix="/control")

_TRIGGER = ("what", "page_id", "psid", "code", "text", "ref", "twice", "late_seconds")


@bp.before_request
def check_key() -> None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    expected = current_emulator().settings.control_key
    if scheme.lower() != "bearer" or not hmac.compare_digest(key.encode(), expected.encode()):
        abort(401, "send the key printed at the start as Authorization: Bearer")


@bp.errorhandler(HTTPException)
def refuse(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.description), error.code or 500


@bp.get("")
def show() -> Response:
    """Return the clock, the faults that are on, the threads and the subscriptions."""
    emulator = current_emulator()
    subscription = emulator.state.app_subscription
    return jsonify(
        time=_time(emulator),
        faults=emulator.faults.on(),
        threads=[_thread(thread) for thread in emulator.state.every_thread()],
        webhook=asdict(subscription) if subscription else None,
        page_fields={
            page_id: emulator.state.page_fields(page_id) for page_id in emulator.state.pages
        },
    )


@bp.get("/faults")
def faults() -> Response:
    """Return the table of faults."""
    on = current_emulator().faults.on()
    return jsonify(
        [
            {
                "name": fault.name,
                "area": fault.area,
                "does": fault.does,
                "source": fault.source,
                "is_on": fault.name in on,
                "times": on.get(fault.name),
            }
            for fault in FAULTS.values()
        ]
    )


@bp.put("/faults/<name>")
def turn_on(name: str) -> tuple[str, int]:
    """Turn a fault on: until it is turned off, or for `times` occurrences."""
    times = requests.content("times").get("times")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool)):
        requests.refuse("times must be a whole number")
    try:
        current_emulator().faults.turn_on(name, times)
    except KeyError:
        _no_fault(name)
    except ValueError as exc:
        requests.refuse(str(exc))
    return "", 204


@bp.delete("/faults/<name>")
def turn_off(name: str) -> tuple[str, int]:
    if name not in FAULTS:
        _no_fault(name)
    current_emulator().faults.turn_off(name)
    return "", 204


@bp.delete("/faults")
def turn_all_off() -> tuple[str, int]:
    current_emulator().faults.clear()
    return "", 204


@bp.post("/time")
def advance() -> Response:
    """Move Messenger's clock forward, and make every delivery that falls due on the way."""
    emulator = current_emulator()
    emulator.dispatcher.advance(
        requests.seconds(requests.content("advance_seconds"), "advance_seconds")
    )
    return jsonify(_time(emulator))


@bp.delete("/time")
def return_to_now() -> Response:
    """Set the clock back to this computer's."""
    emulator = current_emulator()
    emulator.return_to_now()
    return jsonify(_time(emulator))


@bp.post("/trigger")
def send_trigger() -> Response:
    """Send an event or callback for a person; answer with its failure, if any."""
    emulator, content = current_emulator(), requests.content(*_TRIGGER)
    thread = _thread_of(emulator, content)
    text = requests.text(content, "text")
    trigger = Trigger(
        what=requests.text(content, "what") or "",
        code=requests.text(content, "code"),
        text="Hello!" if text is None else text,
        ref=requests.text(content, "ref"),
        twice=requests.boolean(content, "twice"),
        late=requests.seconds({"late_seconds": 0, **content}, "late_seconds"),
    )
    try:
        failure = run_trigger(emulator, thread, trigger)
    except ValueError as exc:
        requests.refuse(str(exc))
    return jsonify(
        what=trigger.what,
        page_id=thread.page_id,
        psid=thread.psid,
        failure=asdict(failure) if failure else None,
    )


@bp.post("/people")
def add_person() -> Response:
    """Add somebody called `name`, who has not written to any page; answer with their threads."""
    emulator, name = current_emulator(), requests.text(requests.content("name"), "name")
    if not name or any(name == thread.person for thread in emulator.state.every_thread()):
        requests.refuse("name must be one that nobody has yet")
    threads = emulator.state.add_person(name)
    return jsonify(
        [
            {
                "page_id": each.page_id,
                "psid": each.psid,
                "chat_path": f"/t/{each.page_id}/{each.psid}",
            }
            for each in threads
        ]
    )


@bp.get("/exchanges")
def exchanges() -> Response:
    """Return the exchanges with a number above `after`, oldest first and in full."""
    emulator = current_emulator()
    emulator.dispatcher.settle()
    after = request.args.get("after", 0, type=int)
    return jsonify([_exchange(entry) for entry in reversed(emulator.journal.entries(after=after))])


@bp.put("/webhook")
def subscribe() -> tuple[str, int]:
    """Subscribe `url` to every event, as if in the dashboard; null unsubscribes."""
    current_emulator().state.subscribe(requests.url(requests.content("url"), "url"))
    return "", 204


@bp.post("/settle")
def settle() -> tuple[str, int]:
    current_emulator().dispatcher.settle()
    return "", 204


@bp.post("/reset")
def reset() -> tuple[str, int]:
    current_emulator().reset()
    return "", 204


def _no_fault(name: str) -> NoReturn:
    abort(404, f"there is no fault {name}; GET /control/faults lists them")


def _thread_of(emulator: Emulator, content: dict[str, Any]) -> Thread:
    """Return the first thread that matches `page_id` and `psid`, where they are given."""
    page_id, psid = requests.text(content, "page_id"), requests.text(content, "psid")
    matching = [
        thread
        for thread in emulator.state.every_thread()
        if page_id in {None, thread.page_id} and psid in {None, thread.psid}
    ]
    if not matching:
        abort(404, "the page has no thread with this psid")
    return matching[0]


def _time(emulator: Emulator) -> dict[str, Any]:
    return {
        "now": emulator.clock().isoformat(),
        "ahead_seconds": emulator.clock.ahead.total_seconds(),
    }


def _thread(thread: Thread) -> dict[str, Any]:
    return {
        "page_id": thread.page_id,
        "psid": thread.psid,
        "person": thread.person,
        "linked": thread.linked,
        "started": thread.is_started,
        "messages": [
            {
                "id": message.id,
                "author": message.author,
                "text": message.text,
                "cards": [card.title for card in message.cards],
                "buttons": [
                    {"kind": button.kind, "title": button.title, "url": button.url}
                    for button in message.all_buttons
                ],
            }
            for message in thread.messages
        ],
    }


def _exchange(entry: Entry) -> dict[str, Any]:
    exchange = asdict(entry.exchange)
    return {**exchange, "number": entry.number, "at": entry.exchange.at.isoformat()}
