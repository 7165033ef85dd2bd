"""The whole table of problems, and the look-up of an exception in it."""

from collections.abc import Mapping
from typing import Final

from werkzeug.exceptions import HTTPException

from app.accounts.rate_limiter import RateLimited
from app.api_keys.service import KeyRefused
from app.infra.admission import Busy
from app.infra.database.writer import NotCommitted
from app.messenger.errors import GraphUnavailable
from app.web.exceptions import (
    InputRefused,
    KeyExposed,
    ResourceNotFound,
    ScopeMissing,
)
from app.web.problems.pages import PAGE_PROBLEMS
from app.web.problems.problem import Problem
from app.web.problems.programs import API_PROBLEMS, PROGRAM_PROBLEMS

PROBLEMS: Final[Mapping[type[Exception], Problem]] = {**PAGE_PROBLEMS, **PROGRAM_PROBLEMS}
_IN_THE_API: Final = {**PROBLEMS, **API_PROBLEMS}
# Any other exception is an error of ours.
UNFORESEEN: Final = Problem(
    500, "internal", "Something went wrong", "Something went wrong on our side. Please try again."
)
# What the API may answer, besides errors of HTTP.
_OF_THE_API: Final = (
    ResourceNotFound,
    Busy,
    GraphUnavailable,
    InputRefused,
    KeyExposed,
    KeyRefused,
    NotCommitted,
    ScopeMissing,
    RateLimited,
)
# By status: errors that Flask and Werkzeug raise.
_HTTP: Final = {
    400: Problem(400, "bad_request", "Not understood", "This request is not right."),
    403: Problem(403, "forbidden", "Not allowed", "This is not allowed here."),
    404: Problem(404, "not_found", "Nothing here", "There is no such page."),
    405: Problem(405, "method_not_allowed", "Not allowed", "This method is not allowed here."),
    413: Problem(413, "too_large", "Too large", "This is larger than anything expected here."),
    408: Problem(408, "too_slow", "Too slow", "The request did not arrive in time.", passes=True),
    415: Problem(415, "unsupported_media_type", "Not understood", "Send JSON as application/json."),
    503: PROBLEMS[Busy],
}


def problem_of(exc: Exception, *, in_api: bool = False) -> Problem:
    """Return the problem of *exc*: that of its class, or of the nearest base that has one."""
    if isinstance(exc, HTTPException) and exc.code is not None:
        return problem_with(exc.code)
    table = _IN_THE_API if in_api else PROBLEMS
    known = (table[kind] for kind in type(exc).__mro__ if kind in table)
    return next(known, UNFORESEEN)


def problem_with(status: int) -> Problem:
    """Return the problem of an error that has no class of ours, only a *status* of HTTP."""
    return _HTTP.get(status) or Problem(
        status, "http_error", "Not understood", "This request is not right."
    )


def problems_of_the_api() -> tuple[Problem, ...]:
    """Return the problems that the API may answer, for its documentation."""
    of_classes = (PROBLEMS[kind] for kind in _OF_THE_API)
    problems = (*of_classes, *API_PROBLEMS.values(), _HTTP[413], _HTTP[415], UNFORESEEN)
    return tuple(sorted(problems, key=lambda problem: (problem.status, problem.name)))
