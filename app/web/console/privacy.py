"""The privacy requests that are not done: asking Meta again about one, and closing one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from app.linking.references import normalised
from app.messenger.types import Psid
from app.operators.acts import Act, Subject
from app.operators.roles import Role
from app.privacy import requests
from app.privacy.erasure import TOMBSTONE_KEPT, is_held
from app.privacy.handler import erase
from app.privacy.requests import DUTY_WITHIN
from app.privacy.values import ErasedPerson, Request
from app.web.console import guard, rendering
from app.web.console.current import now, signed_in
from app.web.console.questions import NO_REASON, REASON, Field, Question, ask, has_reason
from app.web.console.reading import part, read
from app.web.console.rules import allows
from app.web.current import services

bp = Blueprint("privacy", __name__)

SHOWN: Final = 50
WORDS: Final = {
    "received": "the worker does it",
    "duty": "somebody has to find the person",
    "ended": "erased, but for the ids of ended links",
    "done": "done",
}
_PSID: Final = Field(
    name="psid",
    label="PSID of the person to erase",
    hint="Empty: nothing is kept of them, or it has been erased already.",
    most=64,
    is_required=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """A request as the list shows it, without whom it is about."""

    reference: str
    kind: str
    state: str
    words: str
    why: str | None
    asked_at: datetime
    due_at: datetime
    is_late: bool


@bp.get("/privacy")
@allows(Role.SUPPORT)
def list_() -> ResponseReturnValue:
    """Show the requests that are not done, the oldest first."""
    found = part(requests.unfinished, after=None, most=SHOWN + 1)
    return rendering.page(
        "privacy.html",
        requests=None if found is None else [_line(one) for one in found[:SHOWN]],
        is_more=bool(found and len(found) > SHOWN),
        within=DUTY_WITHIN.days,
        may_close=signed_in().role.may(Role.ADMIN),
    )


@bp.post("/privacy/<reference>/retry")
@allows(Role.SUPPORT, act=Act.PRIVACY_RETRIED)
def retry(reference: str) -> ResponseReturnValue:
    """Have the worker ask Meta again whom the request is about."""
    found = _found(reference)
    again = partial(requests.retry, reference=found.reference, at=now())
    guard.done(_subject(found), again)
    return redirect(url_for("privacy.list_"), 303)


@bp.get("/privacy/<reference>/close")
@allows(Role.ADMIN, look=Act.VIEWED_REQUEST, is_fresh=True)
def ask_close(reference: str) -> ResponseReturnValue:
    """Ask whether the request is done, and whom to erase for it."""
    found = _found(reference)
    return ask(_question(found), about=_subject(found))


@bp.post("/privacy/<reference>/close")
@allows(Role.ADMIN, look=Act.VIEWED_REQUEST, act=Act.PRIVACY_CLOSED, is_fresh=True)
def close(reference: str) -> ResponseReturnValue:
    """Erase the person that was named, and close the request."""
    found, at = _found(reference), now()
    psid = request.form.get("psid", "").strip()
    people = _held(psid) if psid else []
    problem = "" if has_reason() else NO_REASON
    if not problem and psid and not people:
        problem = "Nothing is kept of this PSID. Is it right?"
    if problem:
        return ask(_question(found), about=_subject(found), problem=problem)
    # The row first: the erasure takes several transactions, and the worker goes on with it.
    guard.done(_subject(found), _nothing)
    erase(services().writer, found, people, policy=services().policy, at=at)
    return redirect(url_for("privacy.list_"), 303)


def _nothing(_: Session) -> None:
    """Change nothing: the row of the audit is all."""


def _held(psid: str) -> Sequence[ErasedPerson]:
    if not psid.isascii() or not psid.isdigit():
        return []
    people = [ErasedPerson(page_id, Psid(psid)) for page_id in sorted(services().page_ids)]
    return [person for person in people if is_held(services().writer, person)]


def _found(reference: str) -> Request:
    known = normalised(reference)
    found = read(requests.find, known) if known else None
    if found is None or found.state in {"ended", "done"}:
        raise NotFound
    return found


def _subject(found: Request) -> Subject:
    return Subject("privacy_request", found.reference)


def _line(found: Request) -> RequestLine:
    due_at = found.asked_at + DUTY_WITHIN
    return RequestLine(
        reference=found.reference,
        kind=found.kind,
        state=found.state,
        words=WORDS[found.state],
        why=found.why,
        asked_at=found.asked_at,
        due_at=due_at,
        is_late=due_at <= now(),
    )


def _question(found: Request) -> Question:
    about = f" It is about the app-scoped id {found.user_id}." if found.user_id else ""
    return Question(
        title=f"Close the request {found.reference}?",
        sentence=(
            f"You say that all that is kept of the person is erased, or erase it now.{about} The "
            f"ids of ended links go {TOMBSTONE_KEPT.days} days later, by themselves. Nobody can "
            "take that back."
        ),
        button="Close the request",
        back=url_for("privacy.list_"),
        fields=(_PSID, REASON),
    )
