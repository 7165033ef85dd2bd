"""The view behind every Graph call: authenticates, answers and records it."""

import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request

from app.emulator import ids, network_faults
from app.emulator.context import Emulator, current_emulator
from app.emulator.faults.fault import Fault
from app.emulator.graph import advice, edges, problems, usage
from app.emulator.graph.call import AppCall, PageCall, authenticate
from app.emulator.graph.ended import refuse_ended
from app.emulator.graph.params import read_params
from app.emulator.graph.problems import GraphProblem
from app.emulator.graph.versions import split_version, version_serving
from app.emulator.webhooks.journal import Exchange

bp = Blueprint("graph", __name__)

# As captured in December 2024, without the headers that only a public server sends.
# https://github.com/fbsamples/messenger-platform-samples, in the folder postman
_HEADERS = {
    "Cache-Control": "private, no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Expires": "Sat, 01 Jan 2000 00:00:00 GMT",
    "x-fb-rev": "1019000000",
}


@dataclass(slots=True)
class _CallContext:
    """A call while it is answered: the fields are filled in as they become known."""

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
    """Answer a call, and deliver the events that follow from it."""
    emulator = current_emulator()
    # First of all: reading a form consumes the body, which the journal needs.
    request.get_data()
    requested, rest = split_version(path)
    context = _CallContext(emulator, rest, emulator.clock(), time.perf_counter())
    if emulator.faults.fires("reset"):
        context.faults = ("reset",)
        _record(context, None)
        return network_faults.reset()
    if emulator.faults.fires("html"):
        context.faults = ("html",)
        response = network_faults.html()
        _record(context, response)
        return response
    drips = emulator.faults.fires("drip")
    context.faults = ("drip",) if drips else ()
    response = _answer(context, requested)
    if drips:
        response = network_faults.dripping(response)
    answered = threading.Event()
    response.call_on_close(answered.set)
    for event in context.call.events if isinstance(context.call, PageCall) else ():
        emulator.dispatcher.enqueue(event, after=answered)
    return response


def _answer(context: _CallContext, requested: str | None) -> Response:
    problem: GraphProblem | None = None
    try:
        status, content = 200, _dispatch(context, requested)
    except GraphProblem as exc:
        problem, status, content = exc, exc.status, exc.as_json()
    response = _response(status, content, context)
    _record(context, response, problem)
    return response


def _dispatch(context: _CallContext, requested: str | None) -> dict[str, Any]:
    faults, at = context.emulator.faults, context.at
    has_expired = faults.fires("version-expired")
    if has_expired:
        context.faults += ("version-expired",)
    context.version = version_serving(None if has_expired else requested, at)
    if context.version is None:
        raise problems.unknown_path(request.path.lstrip("/"))
    params = read_params(request)
    context.call = call = authenticate(context.emulator, request, params)
    context.faults += call.faults
    refuse_ended(params)
    target = edges.target_of(request.method, context.path)
    name = edges.name_of(target, has_linking_token="account_linking_token" in params)
    if (fault := faults.graph_error_for(name)) is not None:
        raise _refusal(context, fault)
    is_usable = requested is None or requested == context.version
    if name == "thread_settings" and is_usable and faults.fires("thread-settings-gone"):
        context.faults += ("thread-settings-gone",)
        raise problems.unknown_object(request.method, target.node)
    if isinstance(call, PageCall):
        limit = target.limit
        if limit is not None and not context.emulator.rate_limits.admits(call.page.id, limit, at):
            context.usage = usage.exceeded(call.page.id, "business")
            raise problems.too_many_calls()
        context.usage = usage.usage_of(call, limit)
    try:
        return edges.answer(call, target)
    finally:
        context.faults += tuple(call.fired)


def _refusal(context: _CallContext, fault: Fault) -> GraphProblem:
    context.faults += (fault.name,)
    page_id = context.call.page.id if isinstance(context.call, PageCall) else "0"
    if fault.error is not None and fault.error.usage is not None:
        context.usage = usage.exceeded(page_id, fault.error.usage)
    return problems.from_table(fault)


def _response(status: int, answer: dict[str, Any], context: _CallContext) -> Response:
    text = json.dumps(answer, separators=(",", ":"))
    response = Response(text, status, content_type="application/json; charset=UTF-8")
    response.headers.update(_HEADERS)
    response.headers["x-fb-request-id"] = ids.trace_id()
    response.headers["x-fb-trace-id"] = ids.trace_id()
    if context.version is not None:
        response.headers["facebook-api-version"] = context.version
    response.headers.update(context.usage or {})
    return response


def _record(
    context: _CallContext, response: Response | None, problem: GraphProblem | None = None
) -> None:
    context.emulator.journal.add(
        Exchange(
            kind="graph",
            title=_title(context.path),
            at=context.at,
            method=request.method,
            url=request.full_path.rstrip("?"),
            headers=tuple(request.headers.items()),
            body=request.get_data(as_text=True),
            status=response.status_code if response else None,
            answer_headers=tuple(response.headers.items()) if response else (),
            answer=response.get_data(as_text=True) if response else "",
            milliseconds=(time.perf_counter() - context.started) * 1000,
            failure=advice.for_problem(problem)
            if problem
            else advice.for_network_fault(context.faults),
            faults=context.faults + (problem.faults if problem else ()),
        )
    )


def _title(path: str) -> str:
    is_retrieval = "account_linking_token" in request.args
    return f"{request.method} {path}" + (", by account_linking_token" if is_retrieval else "")
