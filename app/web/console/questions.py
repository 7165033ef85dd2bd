"""The page before an act: what will happen and to whom, a field for the reason, Cancel.

The act is the POST to the same address; each of its views names its own rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import request
from flask.typing import ResponseReturnValue

from app.messenger.display_names import clean_line
from app.operators.acts import Subject
from app.operators.audit import LONGEST_REASON
from app.web.console import guard, rendering


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the form."""

    name: str
    label: str
    hint: str = ""
    most: int = LONGEST_REASON
    is_required: bool = True


REASON: Final = Field(
    name="reason",
    label="Reason (recorded)",
    hint="The number of a ticket; no names, since the audit is kept for longer than they are.",
)
NO_REASON: Final = "Enter a reason: it is recorded with what you do."


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An act that is about to be done; *who* are names of strangers, *back* leads away from it."""

    title: str
    sentence: str
    button: str
    back: str
    who: Sequence[str] = ()
    fields: Sequence[Field] = (REASON,)

    @property
    def action(self) -> str:
        """The path of the present request, to which the form is sent."""
        return request.path


def ask(question: Question, *, about: Subject | None, problem: str = "") -> ResponseReturnValue:
    """Return the page of *question*; with a *problem*, what was sent cannot be done like that.

    To ask about a person shows the person: that is a look, of which the audit has a row (R138).
    """
    if about is not None:
        guard.looked_at(about)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
    return rendering.page("act.html", status, question=question, problem=problem)


def has_reason() -> bool:
    """Return whether the form that was sent has a reason."""
    return bool(clean_line(request.form.get("reason", "")))
