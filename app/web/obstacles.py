"""Obstacles: the events of an attempt that errors are noted as, by the problem they are shown as.

The error handler notes what is an exception; views note only what is none. Nothing that a person
typed, that came with the request, or that a provider wrote is ever part of a note.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from flask import g, request
from werkzeug.exceptions import HTTPException

from app.accounts.authenticators import AuthenticatorUnavailable, CredentialsRefused
from app.accounts.rate_limiter import RateLimited
from app.infra import clock
from app.linking.attempt_events import Kind, Note
from app.linking.errors import AttemptUnknown, NotDeparted, NotSignedIn
from app.linking.obstacles import PROBLEM_KINDS
from app.messenger.errors import GraphError, GraphUnreachable, RedirectRefused
from app.messenger.graph.conversations import Miss
from app.web import paths, request_reference
from app.web.current import services
from app.web.exceptions import DigitsNotDelivered, LinkIncomplete, NoCookies
from app.web.problems.problem import Problem
from app.web.problems.table import UNFORESEEN

# Pages and addresses that are not there; nobody was on the way to a link.
NOT_NOTED: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """The facts of an error that are noted beside its kind."""

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
    return _graph_facts(exc)


def _graph_facts(exc: GraphError) -> _Facts:
    """Return numbers and our words: Graph's message may quote what it was sent."""
    told = (
        type(exc).__name__,
        exc.reason if isinstance(exc, GraphUnreachable) else "",
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


# What is noted beside the kind, which the name of the problem decides (`linking.obstacles`).
_READERS: Final[Mapping[type[Exception], _Reader]] = {
    RateLimited: _limit,
    GraphError: _graph,
    AuthenticatorUnavailable: _authenticator,
    DigitsNotDelivered: _not_delivered,
    NoCookies: _no_cookies,
    # A page that is out of date is one kind, and its problem the subject where it is not the form.
    AttemptUnknown: _problem,
    NotDeparted: _problem,
    NotSignedIn: _problem,
    HTTPException: _problem,
    RedirectRefused: _redirect,
}


def note(kind: Kind, *, subject: str = "", code: int = 0, detail: str = "") -> None:
    """Note an event of *kind* under the reference of the present request, if it is an attempt's."""
    if not request_reference.is_of_attempt():
        # Of a browser session: no command could ever show it.
        return
    _note(kind, _Facts(subject=subject, code=code, detail=detail))


def note_error(exc: Exception, problem: Problem) -> None:
    """Note the error *exc*, which is answered as *problem*.

    Without an attempt it may give the request the reference that it shares with others.
    """
    if request_reference.is_of_attempt():
        _note_of_attempt(exc, problem)
    elif _is_entry(exc, problem):
        _note_entry(exc, problem)


def note_miss(miss: Miss) -> None:
    """Note a call that told no name of the person, and what Graph said."""
    kind = Kind.NAME_WITHHELD if miss.is_withheld else Kind.NAME_UNAVAILABLE
    told = _graph_facts(miss.error) if miss.error else _Facts(detail=miss.reason)
    _note(kind, replace(told, subject=miss.road))


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
    kind = _kind_of(exc, problem)
    if kind is None or problem.status in NOT_NOTED:
        return
    known = (_READERS[of] for of in type(exc).__mro__ if of in _READERS)
    read = next(known, _class if problem is UNFORESEEN else _nothing)
    _note(kind, read(exc, problem))


def _kind_of(exc: Exception, problem: Problem) -> Kind | None:
    """Return the kind of *exc* in an attempt; None where it stands in no one's way."""
    match exc:
        case RedirectRefused():
            return Kind.ENTRY_REFUSED
        case HTTPException():
            return PROBLEM_KINDS.get(problem.name, Kind.FORM_REFUSED)
        case _:
            return PROBLEM_KINDS.get(problem.name)


def _is_entry(exc: Exception, problem: Problem) -> bool:
    """Return whether the answer shows a reference that can be looked up."""
    if request.path.startswith((paths.WEBHOOK, *paths.MONITORING)):
        return False
    if request.path.startswith(paths.API):
        is_ours = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return is_ours or isinstance(exc, GraphError)
    return problem.status not in NOT_NOTED


def _note_entry(exc: Exception, problem: Problem) -> None:
    own, at = request_reference.current(), clock.now()
    shared = services().stranger_references.take(problem.name, own, at=at)
    request_reference.bind(shared)
    _note(Kind.ENTRY_REFUSED, _of_entry(exc, problem))


def _of_entry(exc: Exception, problem: Problem) -> _Facts:
    name = problem.name
    match exc:
        case RedirectRefused():
            return _redirect(exc, problem)
        case LinkIncomplete():
            return _Facts(subject=name, detail=exc.reason or "")
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


def _note(kind: Kind, facts: _Facts) -> None:
    services().events.note(
        Note(
            reference=request_reference.current(),
            kind=kind,
            at=clock.now(),
            subject=facts.subject,
            code=facts.code,
            subcode=facts.subcode,
            detail=facts.detail,
            until=facts.until,
            page_id=g.get("page_id"),
        )
    )
