"""The whole table of problems, and the look-up of an exception in it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from werkzeug.exceptions import HTTPException

from app.infra.admission import Busy
from app.web.languages.message import N_
from app.web.problems.pages import BAD_LINK, OPEN_THE_CHAT, PAGE_PROBLEMS
from app.web.problems.problem import Problem, english_problem
from app.web.problems.programs import API_PROBLEMS, PROGRAM_PROBLEMS

PROBLEMS: Final[Mapping[type[Exception], Problem]] = {**PAGE_PROBLEMS, **PROGRAM_PROBLEMS}
_IN_THE_API: Final = {**PROBLEMS, **API_PROBLEMS}
# Any other exception is an error of ours.
UNFORESEEN: Final = Problem(
    500, "internal", N_("Something went wrong"), N_("It’s our fault. Try again.")
)
# By status: errors that Flask and Werkzeug raise, as people and as programs read of them.
_HTTP_PAGES: Final = {
    404: Problem(404, "not_found", N_("Page not found"), N_("Check the address.")),
    408: Problem(408, "too_slow", BAD_LINK, OPEN_THE_CHAT, passes=True),
    503: PROBLEMS[Busy],
    **{
        status: Problem(status, name, BAD_LINK, OPEN_THE_CHAT)
        for status, name in {
            400: "bad_request",
            403: "forbidden",
            405: "method_not_allowed",
            413: "too_large",
            415: "unsupported_media_type",
        }.items()
    },
}
_HTTP_API: Final = {
    400: english_problem(400, "bad_request", "Not understood", "This request is not right."),
    403: english_problem(403, "forbidden", "Not allowed", "This is not allowed here."),
    404: english_problem(404, "not_found", "Nothing here", "There is no such path."),
    405: english_problem(
        405, "method_not_allowed", "Not allowed", "This method is not allowed here."
    ),
    408: english_problem(
        408, "too_slow", "Too slow", "The request did not arrive in time.", passes=True
    ),
    413: english_problem(
        413, "too_large", "Too large", "This is larger than anything expected here."
    ),
    415: english_problem(
        415, "unsupported_media_type", "Not understood", "Send JSON as application/json."
    ),
    503: API_PROBLEMS[Busy],
}


def problem_of(exc: Exception, *, in_api: bool = False) -> Problem:
    """Return the problem of *exc*: that of its class, or of the nearest base that has one."""
    if isinstance(exc, HTTPException) and exc.code is not None:
        return problem_with(exc.code, in_api=in_api)
    return problem_of_kind(type(exc), in_api=in_api)


def problem_of_kind(kind: type[Exception], *, in_api: bool = False) -> Problem:
    """Return the problem of an error that is a *kind*."""
    if issubclass(kind, HTTPException) and kind.code is not None:
        return problem_with(kind.code, in_api=in_api)
    table = _IN_THE_API if in_api else PROBLEMS
    known = (table[base] for base in kind.__mro__ if base in table)
    return next(known, UNFORESEEN)


def problem_with(status: int, *, in_api: bool = False) -> Problem:
    """Return the problem of an error that has no class of ours, only a *status* of HTTP."""
    table = _HTTP_API if in_api else _HTTP_PAGES
    return table.get(status) or replace(table[400], status=status, name="http_error")
