"""OIDC sign-in: the redirect to a provider, and its callback.

The way there is a POST like that of the password form, and costs a live token as that does. The
callback is a GET that any site can make a browser send, so it is checked in three ways: by the
state that we signed, by the cookie of the attempt or session that the state names, and by the memo
of that, which serves once.
"""

from contextlib import suppress

import structlog
from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.infra import clock
from app.linking import attempts
from app.linking.attempt_events import Kind
from app.linking.attempt_status import status_of
from app.linking.errors import AttemptExpired, AttemptUnknown, NotDeparted
from app.linking.renewal import proof_by_provider
from app.web import obstacles, request_reference
from app.web.current import services
from app.web.exceptions import LinkAmbiguous
from app.web.pages import attempt_cookie, sessions, signing_in
from app.web.pages.attempt_cookie import AttemptCookie
from app.web.pages.authorize import place_of
from app.web.pages.csrf import posted
from app.web.pages.provider_state import SESSION, named_in
from app.web.pages.rendering import current_page, stop_page
from app.web.problems.pages import TOO_LATE

log = structlog.get_logger()
bp = Blueprint("oidc", __name__, url_prefix="/authorize")


@bp.post("/<attempt_id>/oidc/<name>")
def depart(attempt_id: str, name: str) -> ResponseReturnValue:
    cookie = posted(attempt_id)
    status = services().read(attempts.running, cookie.ticket, at=clock.now())
    request_reference.adopt(status)
    return signing_in.depart(place_of(cookie, status), name)


@bp.get("/<attempt_id>/oidc/<name>")
def show(attempt_id: str, name: str) -> ResponseReturnValue:  # noqa: ARG001 - the address has it
    """Show the page of the attempt's present state: the redirect to the provider was reloaded."""
    return current_page(attempt_id)


@bp.get("/oidc/<name>/callback")
def come_back(name: str) -> ResponseReturnValue:
    """Sign in the person that a provider has sent back with its answer."""
    if request.method == "HEAD":
        # Flask answers it with this view, and the memo serves once.
        return "", 204
    params = _params()
    kind, its_id = named_in(params.get("state", ""), name)
    if kind == SESSION:
        return sessions.come_back(its_id, name, params)
    g.attempt_id = its_id
    cookie = attempt_cookie.read(its_id)
    renewed = cookie.renewed(proof_by_provider(params))
    try:
        return _signed_in(cookie, renewed, name, params)
    except (AttemptUnknown, NotDeparted):
        # This very answer may have been brought before, by this browser, which got no reply to it.
        with suppress(AttemptUnknown):
            services().read(status_of, renewed.ticket, at=clock.now())
            attempt_cookie.put(renewed)
            return _to_the_question(its_id)
        raise


def _signed_in(
    cookie: AttemptCookie, renewed: AttemptCookie, name: str, params: dict[str, str]
) -> ResponseReturnValue:
    status = services().read(status_of, cookie.ticket, at=clock.now())
    request_reference.adopt(status)
    try:
        page = signing_in.by_provider(place_of(cookie, status), renewed, name, params)
    except AttemptExpired:
        obstacles.note(Kind.TOO_LATE)
        log.info("sign_in.too_late")
        return stop_page(cookie, TOO_LATE, status)
    return page or _to_the_question(cookie.ticket.attempt_id)


def _to_the_question(attempt_id: str) -> ResponseReturnValue:
    return redirect(url_for("authorize.show_confirm", attempt_id=attempt_id), 303)


def _params() -> dict[str, str]:
    """Return the provider's parameters; of a repeated one two programs may read different values.

    Raises:
        LinkAmbiguous: A parameter is repeated.
    """
    if len(request.args) < len(list(request.args.items(multi=True))):
        raise LinkAmbiguous
    return request.args.to_dict()
