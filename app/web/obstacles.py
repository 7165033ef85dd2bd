"""Obstacles: which error is noted as which event of an attempt, beside the table of problems.

The error handler notes what is an exception; views note only what is none. Nothing that a person
typed, that came with the request, or that a provider wrote is ever part of a note.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from flask import g, request
from werkzeug.exceptions import HTTPException

from app.accounts.authenticators import AuthenticatorUnavailable, CredentialsRefused
from app.accounts.rate_limiter import RateLimited
from app.infra import clock
from app.infra.admission import Busy
from app.infra.database.writer import NotCommitted
from app.linking.attempt_events import Kind, Note
from app.linking.errors import (
    AttemptExpired,
    AttemptUnknown,
    DigitsSentTooOften,
    NotDeparted,
    NotSignedIn,
    TokenSpent,
    TooManyLinks,
)
from app.messenger.errors import GraphError, RedirectRefused
from app.web import paths, request_reference
from app.web.current import services
from app.web.exceptions import (
    CookieAbsent,
    DigitsNotDelivered,
    FormRefused,
    NoCookies,
)
from app.web.problems.problem import Problem
from app.web.problems.table import UNFORESEEN

# Pages and addresses that are not there; nobody was on the way to a link.
_NOT_NOTED: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is noted of an error beside its kind."""

    subject: str = ""
    code: int = 0
    subcode: int = 0
    detail: str = ""
    until: datetime | None = None


_NOTHING: Final = _Facts()
_Reader: TypeAlias = Callable[[Any, Problem], _Facts]


def _nothing(_exc: Exception, _problem: Problem) -> _Facts:
    return _NOTHING


def _problem(_exc: Exception, problem: Problem) -> _Facts:
    return _Facts(subject=problem.name)


def _graph(exc: GraphError, _problem: Problem) -> _Facts:
    """Return numbers and our words: Graph's message may quote what it was sent."""
    told = (
        type(exc).__name__,
        f"HTTP {exc.status}" if exc.status else "",
        f"fbtrace_id {exc.trace_id}" if exc.trace_id else "",
    )
    return _Facts(
        subject=exc.call or "",
        code=exc.code or 0,
        subcode=exc.subcode or 0,
        detail=", ".join(filter(None, told)),
    )


def _not_delivered(exc: DigitsNotDelivered, problem: Problem) -> _Facts:
    return _graph(exc.refusal, problem)


def _limit(exc: RateLimited, _problem: Problem) -> _Facts:
    return _Facts(subject=exc.limit, until=exc.until)


def _authenticator(exc: AuthenticatorUnavailable, _problem: Problem) -> _Facts:
    return _Facts(subject=g.get("authenticator", ""), code=exc.code, detail=exc.reason)


def _no_cookies(_exc: Exception, _problem: Problem) -> _Facts:
    return _Facts(detail="no_cookies")


def _redirect(exc: RedirectRefused, problem: Problem) -> _Facts:
    return _Facts(subject=problem.name, detail=exc.reason)


def _class(exc: Exception, _problem: Problem) -> _Facts:
    return _Facts(detail=type(exc).__name__)


# In an attempt. A page that is out of date is one kind, and its problem the subject where it is
# not the form itself; an attempt that is over stands in no one's way.
_OF_ATTEMPTS: Final[Mapping[type[Exception], tuple[Kind, _Reader]]] = {
    RateLimited: (Kind.RATE_LIMITED, _limit),
    GraphError: (Kind.GRAPH_FAILED, _graph),
    AuthenticatorUnavailable: (Kind.AUTHENTICATOR_AWAY, _authenticator),
    DigitsNotDelivered: (Kind.CHAT_CODE_NOT_DELIVERED, _not_delivered),
    DigitsSentTooOften: (Kind.CHAT_CODE_LIMITED, _nothing),
    TooManyLinks: (Kind.TOO_MANY_LINKS, _nothing),
    TokenSpent: (Kind.TOKEN_SPENT, _nothing),
    AttemptExpired: (Kind.TOO_LATE, _nothing),
    NoCookies: (Kind.COOKIE_ABSENT, _no_cookies),
    CookieAbsent: (Kind.COOKIE_ABSENT, _nothing),
    FormRefused: (Kind.FORM_REFUSED, _nothing),
    AttemptUnknown: (Kind.FORM_REFUSED, _problem),
    NotDeparted: (Kind.FORM_REFUSED, _problem),
    NotSignedIn: (Kind.FORM_REFUSED, _problem),
    HTTPException: (Kind.FORM_REFUSED, _problem),
    RedirectRefused: (Kind.ENTRY_REFUSED, _redirect),
    Busy: (Kind.GATE_FULL, _nothing),
    NotCommitted: (Kind.DATABASE_AWAY, _nothing),
}


def note(  # noqa: PLR0913 - the columns of an event, by name
    kind: Kind,
    *,
    subject: str = "",
    code: int = 0,
    subcode: int = 0,
    detail: str = "",
    until: datetime | None = None,
) -> None:
    """Note an event of *kind* under the reference of the present request."""
    event = Note(
        reference=request_reference.current(),
        kind=kind,
        at=clock.now(),
        subject=subject,
        code=code,
        subcode=subcode,
        detail=detail,
        until=until,
        page_id=g.get("page_id"),
    )
    services().events.note(event)


def note_error(exc: Exception, problem: Problem) -> None:
    """Note the error *exc*, which is answered as *problem*.

    Without an attempt it may give the request the reference that it shares with others.
    """
    if request_reference.is_of_attempt():
        _note_of_attempt(exc, problem)
    elif _is_entry(exc, problem):
        _note_entry(exc, problem)


def note_wrong_credentials(authenticator: str, exc: CredentialsRefused) -> None:
    """Note that *authenticator* has refused what was typed, and why, which no page tells."""
    note(Kind.CREDENTIALS_WRONG, subject=authenticator, code=exc.code, detail=exc.refusal)


def note_page(name: str, problem: Problem | None = None) -> None:
    """Note that the page *name* was shown, or that of a *problem*; not to a program."""
    seen_by_nobody = (
        request.method == "HEAD"
        # A page that looks whether there is something new (static/page.js).
        or request.headers.get("Sec-Fetch-Dest") == "empty"
        or "prefetch" in request.headers.get("Sec-Purpose", "")
    )
    if not seen_by_nobody:
        note(Kind.PAGE_SHOWN, subject=f"problem:{problem.name}" if problem else name)


def _note_of_attempt(exc: Exception, problem: Problem) -> None:
    if problem.status in _NOT_NOTED:
        return
    known = (_OF_ATTEMPTS[kind] for kind in type(exc).__mro__ if kind in _OF_ATTEMPTS)
    fallback = (Kind.INTERNAL_ERROR, _class) if problem is UNFORESEEN else None
    if chosen := next(known, fallback):
        kind, read = chosen
        _note_facts(kind, read(exc, problem))


def _is_entry(exc: Exception, problem: Problem) -> bool:
    """Return whether the answer shows a reference that can be looked up."""
    if request.path.startswith((paths.WEBHOOK, *paths.MONITORING)):
        return False
    if request.path.startswith(paths.API):
        is_ours = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return is_ours or isinstance(exc, GraphError)
    return problem.status not in _NOT_NOTED


def _note_entry(exc: Exception, problem: Problem) -> None:
    own, at = request_reference.current(), clock.now()
    shared = services().stranger_references.take(problem.name, own, at=at)
    request_reference.bind(shared)
    _note_facts(Kind.ENTRY_REFUSED, _of_entry(exc, problem))


def _of_entry(exc: Exception, problem: Problem) -> _Facts:
    name = problem.name
    match exc:
        case RedirectRefused():
            return _redirect(exc, problem)
        case RateLimited():
            return _Facts(subject=name, detail=exc.limit, until=exc.until)
        case GraphError():
            facts = _graph(exc, problem)
            detail = f"{facts.subject}: {facts.detail}"
            return _Facts(subject=name, code=facts.code, subcode=facts.subcode, detail=detail)
        case _ if problem is UNFORESEEN:
            return _Facts(subject=name, detail=type(exc).__name__)
        case _:
            return _Facts(subject=name)


def _note_facts(kind: Kind, facts: _Facts) -> None:
    note(
        kind,
        subject=facts.subject,
        code=facts.code,
        subcode=facts.subcode,
        detail=facts.detail,
        until=facts.until,
    )
