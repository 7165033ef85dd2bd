"""The one door of Graph: every call is dispatched, answered and put into the journal here."""

import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request

from app.emulator import ids
from app.emulator.context import Emulator, current_emulator
from app.emulator.faults.table import Fault
from app.emulator.graph import advice, edges, network_faults, problems, usage
from app.emulator.graph.call import AppCall, PageCall, identify
from app.emulator.graph.params import read_params
from app.emulator.graph.problems import GraphProblem
from app.emulator.graph.versions import split_version, version_serving
from app.emulator.webhooks.journal import Exchange

bp = Blueprint("graph", __name__)

# Captured in December 2024, but for what only a server on the internet sends (3.1).
_HEADERS = {
    "Cache-Control": "private, no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Expires": "Sat, 01 Jan 2000 00:00:00 GMT",
    "x-fb-rev": "1019000000",
}


@dataclass(slots=True)
class _Serving:
    """One call on its way through: what is known of it grows."""

    emulator: Emulator
    path: str
    at: datetime
    started: float
    version: str | None = None
    call: AppCall | PageCall | None = None
    faults: tuple[str, ...] = ()
    usage: dict[str, str] | None = None


@bp.route("/<path:path>", methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
def serve(path: str) -> Response:
    """Answer a call, and let the webhook hear what follows from it."""
    emulator = current_emulator()
    # Now, or reading a form would use the body up before the journal has it.
    request.get_data()
    asked, rest = split_version(path)
    serving = _Serving(emulator, rest, emulator.clock(), time.perf_counter())
    if emulator.faults.fires("reset"):
        serving.faults = ("reset",)
        _record(serving, None)
        return network_faults.reset()
    if emulator.faults.fires("html"):
        serving.faults = ("html",)
        response = network_faults.html()
        _record(serving, response)
        return response
    drips = emulator.faults.fires("drip")
    serving.faults = ("drip",) if drips else ()
    response = _answer(serving, asked)
    if drips:
        response = network_faults.dripping(response)
    answered = threading.Event()
    response.call_on_close(answered.set)
    for event in serving.call.later if isinstance(serving.call, PageCall) else ():
        emulator.dispatcher.enqueue(event, after=answered)
    return response


def _answer(serving: _Serving, asked: str | None) -> Response:
    problem: GraphProblem | None = None
    try:
        status, content = 200, _dispatch(serving, asked)
    except GraphProblem as exc:
        problem, status, content = exc, exc.status, exc.as_json()
    response = _response(status, content, serving)
    _record(serving, response, problem)
    return response


def _dispatch(serving: _Serving, asked: str | None) -> dict[str, Any]:
    faults, at = serving.emulator.faults, serving.at
    has_expired = faults.fires("version-expired")
    if has_expired:
        serving.faults += ("version-expired",)
    serving.version = version_serving(None if has_expired else asked, at)
    if serving.version is None:
        raise problems.unknown_path(request.path.lstrip("/"))
    params = read_params(request)
    serving.call = call = identify(serving.emulator, request, params)
    serving.faults += call.faults
    target = edges.target_of(request.method, serving.path)
    name = edges.name_of(target, has_linking_token="account_linking_token" in params)
    if (fault := faults.graph_error_for(name)) is not None:
        raise _refusal(serving, fault)
    is_usable = asked is None or asked == serving.version
    if name == "thread_settings" and is_usable and faults.fires("thread-settings-gone"):
        serving.faults += ("thread-settings-gone",)
        raise problems.unknown_object(request.method, target.node)
    if isinstance(call, PageCall):
        limit = target.limit
        if limit is not None and not serving.emulator.rate_limits.admits(call.page.id, limit, at):
            serving.usage = usage.exceeded(call.page.id, "business")
            raise problems.too_many_calls()
        serving.usage = usage.usage_of(call, limit)
    try:
        return edges.answer(call, target)
    finally:
        serving.faults += tuple(call.happened)


def _refusal(serving: _Serving, fault: Fault) -> GraphProblem:
    serving.faults += (fault.name,)
    page_id = serving.call.page.id if isinstance(serving.call, PageCall) else "0"
    if fault.error is not None and fault.error.usage is not None:
        serving.usage = usage.exceeded(page_id, fault.error.usage)
    return problems.from_table(fault)


def _response(status: int, answer: dict[str, Any], serving: _Serving) -> Response:
    text = json.dumps(answer, separators=(",", ":"))
    response = Response(text, status, content_type="application/json; charset=UTF-8")
    response.headers.update(_HEADERS)
    response.headers["x-fb-request-id"] = ids.trace_id()
    response.headers["x-fb-trace-id"] = ids.trace_id()
    if serving.version is not None:
        response.headers["facebook-api-version"] = serving.version
    response.headers.update(serving.usage or {})
    return response


def _record(
    serving: _Serving, response: Response | None, problem: GraphProblem | None = None
) -> None:
    serving.emulator.journal.add(
        Exchange(
            kind="graph",
            title=_title(serving.path),
            at=serving.at,
            method=request.method,
            url=request.full_path.rstrip("?"),
            headers=tuple(request.headers.items()),
            body=request.get_data(as_text=True),
            status=response.status_code if response else None,
            answer_headers=tuple(response.headers.items()) if response else (),
            answer=response.get_data(as_text=True) if response else "",
            milliseconds=(time.perf_counter() - serving.started) * 1000,
            failure=advice.for_problem(problem)
            if problem
            else advice.for_network_fault(serving.faults),
            faults=serving.faults + (problem.faults if problem else ()),
        )
    )


def _title(path: str) -> str:
    asks_who = "account_linking_token" in request.args
    return f"{request.method} {path}" + (", by account_linking_token" if asks_who else "")
