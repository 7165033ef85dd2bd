"""A trace span for each request, if tracing is configured; named by route, not by path."""

from contextlib import ExitStack

import structlog
from flask import Flask, Response, g, request

from app.web.current import services


def register(app: Flask) -> None:
    """Trace every request of *app*."""
    app.before_request(_start_span)
    app.after_request(_add_attributes)
    app.teardown_request(_end_span)


def _start_span() -> None:
    if spans := services().spans:
        g.tracing = ExitStack()
        # A path can contain a PSID, and an unknown path anything.
        rule = request.url_rule.rule if request.url_rule else "unknown"
        g.span = g.tracing.enter_context(spans.request(f"{request.method} {rule}"))
        g.span.set_attributes({"http.request.method": request.method, "http.route": rule})


def _add_attributes(response: Response) -> Response:
    if "span" in g:
        g.span.set_attribute("http.response.status_code", response.status_code)
        facts = {"threadlink.problem": g.get("problem"), **structlog.contextvars.get_contextvars()}
        for name in ("threadlink.problem", "request_id"):
            if facts.get(name):
                g.span.set_attribute(name, facts[name])
    return response


def _end_span(_exc: BaseException | None) -> None:
    if "tracing" in g:
        g.tracing.close()
