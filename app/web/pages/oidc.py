"""OIDC sign-in: the redirect to a provider, and its callback.

The way there is a POST like that of the password form, and costs a live token as that does. The
callback is a GET that any site can make a browser send, so it is checked in three ways: by the
state that we signed, by the cookie of the attempt that the state names, and by the memo of that
attempt, which serves once.
"""

import secrets
from contextlib import suppress
from typing import Final

import structlog
from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.exceptions import NotFound

from app.accounts.authenticators import (
    AccountNotAdmitted,
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    ProofRefused,
    Provider,
    SignInDeclined,
    SignInNotFresh,
)
from app.accounts.identity import Identity
from app.infra import clock
from app.linking import attempts, flow, provider_visits
from app.linking.attempt_events import Kind
from app.linking.attempt_status import AttemptStatus, status_of
from app.linking.errors import AttemptExpired, AttemptUnknown, NotDeparted
from app.linking.renewal import proof_by_provider
from app.web import authenticator_failures, obstacles, rate_limits, request_reference
from app.web.current import services
from app.web.exceptions import LinkAmbiguous, StateRefused
from app.web.pages import attempt_cookie
from app.web.pages.attempt_cookie import MAX_AGE, AttemptCookie
from app.web.pages.csrf import posted
from app.web.pages.recognition import log_sign_in, recognise
from app.web.pages.rendering import current_page, page_of, stop_page
from app.web.pages.webviews import is_offered, not_here
from app.web.problems.forms import (
    PROVIDER_AWAY,
    PROVIDER_DECLINED,
    PROVIDER_MISCONFIGURED,
    PROVIDER_NOT_ADMITTED,
    PROVIDER_NOT_FRESH,
    PROVIDER_REFUSED,
)
from app.web.problems.pages import TOO_LATE
from app.web.signing import signer

log = structlog.get_logger()
# The first that fits counts.
_PROBLEMS: Final = (
    (AccountNotAdmitted, (PROVIDER_NOT_ADMITTED, Kind.PROVIDER_DECLINED)),
    (SignInDeclined, (PROVIDER_DECLINED, Kind.PROVIDER_DECLINED)),
    (SignInNotFresh, (PROVIDER_NOT_FRESH, Kind.PROVIDER_REFUSED)),
    (ProofRefused, (PROVIDER_REFUSED, Kind.PROVIDER_REFUSED)),
    (AuthenticatorMisconfigured, (PROVIDER_MISCONFIGURED, Kind.AUTHENTICATOR_MISCONFIGURED)),
    (AuthenticatorUnavailable, (PROVIDER_AWAY, Kind.AUTHENTICATOR_AWAY)),
)
bp = Blueprint("oidc", __name__, url_prefix="/authorize")


@bp.post("/<attempt_id>/oidc/<name>")
def depart(attempt_id: str, name: str) -> ResponseReturnValue:
    cookie = posted(attempt_id)
    status = services().read(attempts.running, cookie.ticket, at=clock.now())
    request_reference.adopt(status)
    provider = _provider(status, name)
    if not is_offered(provider):
        obstacles.note(Kind.PROVIDER_NOT_OFFERED, subject=_subject(provider))
        problem = not_here(provider, services().sign_in_methods[status.page_id])
        return page_of(cookie, status, problem=problem, username="")
    psid = status.psid or recognise(cookie, status.page_id)
    counters = services().rate_limit_keys.provider_visit(
        rate_limits.address(), status.page_id, psid
    )
    try:
        with rate_limits.counted(counters), services().admission.enter():
            back = services().settings.public_url + url_for(".come_back", name=name)
            authorization = provider.authenticator.begin(back, state=_state(attempt_id, name))
    except AuthenticatorUnavailable as exc:
        return _did_not_work(cookie, status, provider, exc)
    services().write(provider_visits.depart, cookie.ticket, authorization.memo, at=clock.now())
    obstacles.note(Kind.PROVIDER_LEFT, subject=_subject(provider))
    log.info("provider.departed", provider=name)
    return redirect(authorization.url, 303)


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
    attempt_id = _attempt_in(params.get("state", ""), name)
    g.attempt_id = attempt_id
    cookie = attempt_cookie.read(attempt_id)
    renewed = cookie.renewed(proof_by_provider(params))
    try:
        return _signed_in(cookie, renewed, name, params)
    except (AttemptUnknown, NotDeparted):
        # This very answer may have been brought before, by this browser, which got no reply to it.
        with suppress(AttemptUnknown):
            services().read(status_of, renewed.ticket, at=clock.now())
            return _to_the_question(renewed)
        raise


def _signed_in(
    cookie: AttemptCookie, renewed: AttemptCookie, name: str, params: dict[str, str]
) -> ResponseReturnValue:
    status = services().read(status_of, cookie.ticket, at=clock.now())
    request_reference.adopt(status)
    provider = _provider(status, name)
    obstacles.note(Kind.PROVIDER_RETURNED, subject=_subject(provider))
    try:
        identity = _identity(cookie, provider, params)
        services().write(
            flow.sign_in_by_provider,
            cookie.ticket,
            identity,
            renewed.ticket,
            name_hashes=services().name_hasher.hashes_of(identity),
            at=clock.now(),
        )
    except AttemptExpired:
        obstacles.note(Kind.TOO_LATE)
        log.info("sign_in.too_late")
        return stop_page(cookie, TOO_LATE, status)
    except (AuthenticatorUnavailable, ProofRefused) as exc:
        return _did_not_work(cookie, status, provider, exc)
    log_sign_in(identity)
    return _to_the_question(renewed)


def _to_the_question(cookie: AttemptCookie) -> ResponseReturnValue:
    attempt_cookie.put(cookie)
    return redirect(url_for("authorize.show_confirm", attempt_id=cookie.ticket.attempt_id), 303)


def _identity(cookie: AttemptCookie, provider: Provider, params: dict[str, str]) -> Identity:
    # Admission before the memo: a person who is not admitted can load the page again.
    with services().admission.enter():
        memo = services().write(provider_visits.come_back, cookie.ticket, at=clock.now())
        return provider.authenticator.complete(params, memo)


def _did_not_work(
    cookie: AttemptCookie,
    status: AttemptStatus,
    provider: Provider,
    exc: AuthenticatorUnavailable | ProofRefused,
) -> ResponseReturnValue:
    """Return the sign-in page, which says what is wrong and offers the other methods."""
    problem, kind = next(row for of, row in _PROBLEMS if isinstance(exc, of))
    code = exc.code if isinstance(exc, AuthenticatorUnavailable) else 0
    obstacles.note(kind, subject=_subject(provider), code=code, detail=exc.reason)
    if isinstance(exc, AuthenticatorUnavailable):
        authenticator_failures.tell(_subject(provider), exc, problem)
    else:
        log.warning(
            "provider.failed",
            problem=problem.name,
            provider=provider.name,
            reason=exc.reason,
            # As the settings of this provider are called.
            fix=exc.fix.replace("<NAME>", provider.name.upper()),
        )
    return page_of(cookie, status, problem=problem.about(provider=provider.label), username="")


def _subject(provider: Provider) -> str:
    """Return the provider's name in AUTHENTICATORS."""
    return f"oidc:{provider.name}"


def _provider(status: AttemptStatus, name: str) -> Provider:
    provider = services().sign_in_methods[status.page_id].provider(name)
    if provider is None:
        raise NotFound
    return provider


def _params() -> dict[str, str]:
    """Return the provider's parameters; of a repeated one two programs may read different values.

    Raises:
        LinkAmbiguous: A parameter is repeated.
    """
    if len(request.args) < len(list(request.args.items(multi=True))):
        raise LinkAmbiguous
    return request.args.to_dict()


def _state(attempt_id: str, name: str) -> str:
    return str(_serializer().dumps([attempt_id, name, secrets.token_urlsafe(16)]))


def _attempt_in(state: str, name: str) -> str:
    """Return the attempt that *state* was signed for, at the provider *name*.

    Raises:
        StateRefused: We have not signed it, or too long ago, or for another provider.
    """
    try:
        attempt_id, provider, _ = _serializer().loads(state, max_age=MAX_AGE)
    except BadSignature as exc:
        raise StateRefused from exc
    if provider != name:
        # A mix-up: another provider's answer at this one's callback (RFC 9700, section 4.4).
        raise StateRefused
    return str(attempt_id)


def _serializer() -> URLSafeTimedSerializer:
    return signer(services().settings.secret_keys, purpose="provider state")
