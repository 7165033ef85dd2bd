"""Error answers: a page for people, RFC 9457 for the API, a name for other machines."""

from contextlib import suppress
from http import HTTPStatus
from math import ceil
from typing import Final

import structlog
from flask import Flask, Response, g, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from app.accounts.authenticators import AuthenticatorUnavailable
from app.accounts.identity import meant_name
from app.accounts.rate_limiter import RateLimited
from app.delivery_log.log import NotAppended
from app.infra.database.time_limits import within
from app.infra.database.writer import NotCommitted
from app.linking.attempt_status import AttemptStatus, stored_reference
from app.linking.errors import AttemptError, AttemptUnknown, TooManyLinks
from app.messenger.errors import (
    GraphError,
    GraphRefused,
    LinkingTokenRefused,
    PersonUnknown,
    RedirectRefused,
    RegionRefused,
    WindowClosed,
)
from app.messenger.graph.error_table import row_of_error
from app.web import authenticator_failures, obstacles, paths, request_reference
from app.web.current import services
from app.web.exceptions import CookieAbsent, FormRefused, InputRefused, LinkIncomplete
from app.web.pages import attempt_cookie, connections, session_pages
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.pages.brands import brand_here, shown_brand
from app.web.pages.doors import connect_url
from app.web.pages.outcomes import START_AGAIN, TRY_AGAIN, outcome_of_problem
from app.web.pages.rendering import (
    can_see_connections,
    current_status,
    form_frame,
    page_of,
    stop_page,
)
from app.web.problems.pages import THROTTLED_TOO_LONG
from app.web.problems.problem import Problem
from app.web.problems.table import UNFORESEEN, problem_of
from app.web.server.limits import RETRY_AFTER

log = structlog.get_logger()

# Nothing is wrong with this server, nor with the Page.
_ABOUT_THE_PERSON: Final = (LinkingTokenRefused, PersonUnknown, WindowClosed)
_MACHINES: Final = (paths.WEBHOOK, *paths.PRIVACY_CALLBACKS, *paths.MONITORING)


def register(app: Flask) -> None:
    """Have *app* answer every error by the table of problems."""
    app.register_error_handler(Exception, answer)


def answer(exc: Exception) -> ResponseReturnValue:
    """Answer *exc*, with the page of the attempt where the browser holds one."""
    # What may be read for the page must not wait for a database that was waited for already.
    with within(0 if isinstance(exc, NotCommitted) else None):
        return _answer(exc)


def _answer(exc: Exception) -> ResponseReturnValue:
    in_api = request.path.startswith(paths.API)
    problem = problem_of(exc, in_api=in_api)
    problem = _with_numbers(exc, problem)
    g.problem, g.reason = problem.name, getattr(exc, "reason", None)
    cookie = _cookie_of_attempt()
    # Before the first line of the log: it may change the reference.
    obstacles.note_error(exc, problem)
    _log(exc, problem)
    if in_api:
        response = _for_the_api(exc, problem)
    elif request.path.startswith(_MACHINES):
        response = _for_machines(problem)
    elif cookie is not None:
        response = make_response(_page_of_attempt(cookie, exc, problem))
    else:
        response = make_response(session_pages.page_of_problem(exc, problem) or _page(problem))
    if isinstance(exc, HTTPException):
        allowed = dict(exc.get_headers(request.environ)).get("Allow")
        response.headers.update({"Allow": allowed} if allowed else {})
    if problem.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        wait = getattr(exc, "retry_after_seconds", RETRY_AFTER)
        response.headers["Retry-After"] = str(wait)
    return response


def _with_numbers(exc: Exception, problem: Problem) -> Problem:
    """Return *problem* with how long to wait, or how many are allowed, in its sentence."""
    if problem.sentence.plural is None:
        return problem
    if isinstance(exc, RateLimited):
        return problem.about(num=ceil(exc.retry_after_seconds / 60))
    return problem.about(num=services().settings.max_links_per_user)


def _for_machines(problem: Problem) -> Response:
    # A failed handshake says nothing (R39), and a bad signature only that it is bad.
    return make_response({"error": problem.name}, problem.status)


def _for_the_api(exc: Exception, problem: Problem) -> Response:
    """Return the API's answer to *exc*, which is *problem*."""
    body = problem.by_rfc_9457(
        # Its text may contain input: only a client with a valid key gets it, and as JSON.
        detail=str(exc) if isinstance(exc, InputRefused) else None,
        reference=request_reference.current(),
    )
    response = make_response(body, problem.status)
    response.mimetype = "application/problem+json"
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _cookie_of_attempt() -> AttemptCookie | None:
    """Return the cookie of the attempt that the request is for, if the browser has it."""
    # All sign-ins at a provider come back to one address, whose view finds the attempt.
    attempt_id = g.get("attempt_id") or (request.view_args or {}).get("attempt_id")
    if attempt_id is None:
        return None
    try:
        return attempt_cookie.read(attempt_id)
    except (CookieAbsent, RedirectRefused):
        # There is no way back to offer. A path alone names an attempt only if there is one: a
        # reference has 40 bits, so that an id could be found for that of another attempt.
        with suppress(NotCommitted):
            if reference := services().read(stored_reference, attempt_id):
                request_reference.bind_stored(attempt_id, reference)
        return None


def _page(problem: Problem) -> Response:
    # What is not there is not noted, so that no reference to it could be looked up.
    is_noted = problem.status not in obstacles.NOT_NOTED
    reference = request_reference.current() if is_noted else None
    page_id = g.get("page_id")
    body = render_template(
        "outcome.html",
        brand=shown_brand(page_id) if page_id else brand_here(),
        outcome=outcome_of_problem(problem),
        reference=reference,
        connect_url=connect_url(page_id),
        again_action=session_pages.again_url(problem),
        again_method="get",
        again_label=TRY_AGAIN if problem.passes or problem.is_ours else START_AGAIN,
    )
    return make_response(body, problem.status)


def _page_of_attempt(
    cookie: AttemptCookie, exc: Exception, problem: Problem
) -> ResponseReturnValue:
    status = _status_of(cookie)
    if isinstance(exc, TooManyLinks) and status and status.user and can_see_connections(status):
        # To end one is the way on.
        frame = form_frame(cookie, status)
        page = connections.list_in_attempt(cookie, status.user, problem=problem, **frame)
        return page, problem.status
    if status is not None and isinstance(exc, (AttemptError, FormRefused, RateLimited)):
        # The page that the person was on, or that of what became of the attempt.
        if isinstance(exc, RateLimited) and exc.until >= status.expires_at:
            return stop_page(cookie, _with_numbers(exc, THROTTLED_TOO_LONG), status)
        is_limited = isinstance(exc, RateLimited)
        username = meant_name(request.form.get("username", "")) if is_limited else None
        return page_of(cookie, status, problem=problem, username=username)
    may_pass = problem.passes or problem.is_ours
    again = url_for("authorize.show", attempt_id=cookie.ticket.attempt_id) if may_pass else None
    return stop_page(cookie, problem, status, again=again)


def _status_of(cookie: AttemptCookie) -> AttemptStatus | None:
    try:
        return current_status(cookie)
    except (AttemptUnknown, NotCommitted):
        return None


def _log(exc: Exception, problem: Problem) -> None:
    path = request.url_rule.rule if request.url_rule else None
    if problem is UNFORESEEN:
        log.error("request.failed", path=path, exc_info=exc)
    elif isinstance(exc, GraphError) and not isinstance(exc, _ABOUT_THE_PERSON):
        _log_graph(exc, path)
    elif isinstance(exc, AuthenticatorUnavailable):
        authenticator_failures.tell(g.get("authenticator", ""), exc, problem)
    elif isinstance(exc, NotCommitted):
        log.warning("database.failed", path=path, problem=problem.name, reason=str(exc))
    elif isinstance(exc, NotAppended):
        log.warning("delivery_log.failed", path=path, problem=problem.name, reason=exc.reason)
    elif not isinstance(exc, HTTPException):
        reason = exc.reason if isinstance(exc, (RedirectRefused, LinkIncomplete)) else None
        origin = exc.origin if isinstance(exc, RedirectRefused) else None
        log.info("request.refused", path=path, problem=problem.name, reason=reason, origin=origin)


def _log_graph(exc: GraphError, path: str | None) -> None:
    row = row_of_error(exc)
    page = g.get("page_id") or (request.view_args or {}).get("page_id")
    level = log.error if isinstance(exc, GraphRefused) else log.warning
    level(
        "graph.failed",
        path=path,
        call=exc.call,
        error=type(exc).__name__,
        told=str(exc),
        cause=row.slug,
        sentence=row.sentence,
        fix=row.fix,
    )
    if isinstance(exc, RegionRefused):
        log.error("graph.region_refused", page=page, code=exc.code, subcode=exc.subcode)
    elif isinstance(exc, GraphRefused):
        # In the words of the table: Graph's own differ at each call, and so would be no kind.
        log.error("setup.fault", subject=f"page {page}", told=row.sentence, fix=row.fix)
