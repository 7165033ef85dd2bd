"""The error answers of the console: a page that says what to do, and a line in the log."""

from http import HTTPStatus
from typing import Final

import structlog
from flask import Flask, Response, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from app.web import request_reference
from app.web.console.problems import UNFORESEEN, NotFresh, problem_of
from app.web.console.rendering import page
from app.web.server.limits import RETRY_AFTER

log = structlog.get_logger()

_PASSES: Final = frozenset({429, 503})


def register(app: Flask) -> None:
    """Have *app* answer every error with a page."""
    app.register_error_handler(Exception, answer)


def answer(exc: Exception) -> ResponseReturnValue:
    """Answer *exc*; what an operator has typed is in no answer and in no line."""
    if isinstance(exc, NotFresh):
        # Not an error, and not repeated afterwards: one comes back, and presses again.
        return redirect(url_for("sign_in.show_again", next=exc.back), HTTPStatus.SEE_OTHER)
    problem = problem_of(exc)
    g.problem = problem.name
    path = request.url_rule.rule if request.url_rule else None
    if problem is UNFORESEEN:
        log.error("request.failed", path=path, exc_info=exc)
    else:
        log.info("console.refused", path=path, problem=problem.name)
    response: Response = make_response(
        page(
            "problem.html",
            problem.status,
            problem=problem,
            reference=request_reference.current() if problem is UNFORESEEN else None,
        )
    )
    if isinstance(exc, HTTPException):
        allowed = dict(exc.get_headers(request.environ)).get("Allow")
        response.headers.update({"Allow": allowed} if allowed else {})
    if problem.status in _PASSES:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response
