"""A span for each request, where the operator has asked for traces: named by rule, not by path."""

from contextlib import ExitStack

import structlog
from flask import Flask, Response, g, request

from app.web.current import services


def register(app: Flask) -> None:
    """Let *app* trace every request."""
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_end)


def _begin() -> None:
    if spans := services().spans:
        g.tracing = ExitStack()
        # A path may hold a PSID, and what no rule knows, anything.
        rule = request.url_rule.rule if request.url_rule else "unknown"
        g.span = g.tracing.enter_context(spans.request(f"{request.method} {rule}"))
        g.span.set_attributes({"http.request.method": request.method, "http.route": rule})


def _tell(response: Response) -> Response:
    if "span" in g:
        g.span.set_attribute("http.response.status_code", response.status_code)
        told = {"threadlink.problem": g.get("problem"), **structlog.contextvars.get_contextvars()}
        for name in ("threadlink.problem", "request_id"):
            if told.get(name):
                g.span.set_attribute(name, told[name])
    return response


def _end(_exc: BaseException | None) -> None:
    if "tracing" in g:
        g.tracing.close()
