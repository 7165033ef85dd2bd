"""The pages of the console for requests that cannot be answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.infra.admission import Busy
from app.infra.database.writer import NotCommitted
from app.operators.audit import MOST_ACTS, MOST_LOOKS, TooManyActs, TooManyLooks


class FormRefused(Exception):
    """The form did not come from a page of this session, or is out of date."""


class RoleRefused(Exception):
    """The operator's role does not allow this."""


class NotFresh(Exception):
    """The act needs a sign-in of the last ten minutes; *back* is the page to press again on."""

    def __init__(self, back: str) -> None:
        super().__init__()
        self.back = back


class TooManyRequests(Exception):
    """A session asks for more pages than anybody reads."""


class AuditNotWritten(Exception):
    """The row of the audit could not be committed, so that nothing may be shown or done."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error answer: *name* for the log, the rest for the operator."""

    status: int
    name: str
    title: str
    sentence: str


_PROBLEMS: Final[Mapping[type[Exception], Problem]] = {
    FormRefused: Problem(
        400,
        "form_refused",
        "This page is out of date",
        "Nothing was changed. Load the page again, and repeat what you did.",
    ),
    RoleRefused: Problem(
        403,
        "role_refused",
        "Your role does not allow this",
        "Ask an admin. That you asked for it is in the audit.",
    ),
    TooManyRequests: Problem(
        429, "too_many_requests", "Too many pages", "Wait a minute, then go on."
    ),
    TooManyLooks: Problem(
        429,
        "too_many_looks",
        "Too many people",
        f"You have looked at {MOST_LOOKS} people in this hour. An admin has been told.",
    ),
    TooManyActs: Problem(
        429,
        "too_many_acts",
        "Too many changes",
        f"You have changed something for people {MOST_ACTS} times in this hour. Nothing was "
        "changed now. Go on in an hour, or ask for the command.",
    ),
    AuditNotWritten: Problem(
        503,
        "audit_not_written",
        "This cannot be shown now",
        "The audit cannot be written, and without it nothing is shown. Try again in a moment.",
    ),
    Busy: Problem(503, "busy", "The console is busy", "Try again in a moment."),
    NotCommitted: Problem(
        503,
        "database_busy",
        "The database does not answer",
        "If you changed something, look whether it was done before you repeat it.",
    ),
}
_BY_STATUS: Final = {
    400: Problem(400, "bad_request", "This address or form is not understood", "Go back."),
    403: Problem(403, "forbidden", "This is refused", "Nothing was changed."),
    404: Problem(404, "not_found", "There is nothing here", "It may have been deleted by age."),
    405: Problem(405, "wrong_method", "This cannot be asked like that", "Go back."),
    413: Problem(413, "too_large", "This form is too large", "Nothing was changed."),
    421: Problem(
        421,
        "not_by_https",
        "Not secure",
        "It cannot be told that this page was opened over https. The log says why.",
    ),
    431: Problem(431, "too_large", "The browser sends too many cookies", "Delete some."),
}
UNFORESEEN: Final = Problem(
    500,
    "internal_error",
    "Something went wrong here",
    "It is in the log, under the reference below.",
)


def problem_of(exc: Exception) -> Problem:
    """Return what is said about *exc*."""
    for of, problem in _PROBLEMS.items():
        if isinstance(exc, of):
            return problem
    return _BY_STATUS.get(getattr(exc, "code", None) or 0, UNFORESEEN)
