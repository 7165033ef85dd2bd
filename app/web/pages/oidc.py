"""To a provider and back.

Setting out is a POST like that of the form, and costs a live token as that does. Coming back is a
GET that anybody can make a browser send, so it stands on three legs: the state that we sealed, the
cookie of the attempt that it names, and the memo of that attempt, which serves once.
"""

import secrets
from typing import Final

import structlog
from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.exceptions import NotFound

from app.accounts.authenticators import (
    AuthenticatorUnavailable,
    ProofRefused,
    Provider,
    SignInDeclined,
)
from app.accounts.identity import Identity
from app.infra import clock
from app.linking import attempts, provider_visits
from app.linking.attempts import AttemptStatus
from app.linking.errors import AttemptExpired
from app.web import rate_limits
from app.web.current import services
from app.web.exceptions import LinkAmbiguous, StateRefused
from app.web.pages import attempt_cookie, authorize, csrf, recognition
from app.web.pages.attempt_cookie import MAX_AGE, AttemptCookie
from app.web.pages.rendering import page_of, stop_page
from app.web.pages.webviews import is_offered, not_here
from app.web.problems import PROVIDER_AWAY, PROVIDER_DECLINED, PROVIDER_REFUSED, TOO_LATE

log = structlog.get_logger()
bp = Blueprint("oidc", __name__, url_prefix="/authorize")

_SALT: Final = "oidc state"


@bp.post("/<attempt_id>/oidc/<name>")
def depart(attempt_id: str, name: str) -> ResponseReturnValue:
    held = csrf.posted(attempt_id)
    standing = services().read(attempts.running, held.ticket, at=clock.now())
    provider = _provider(standing, name)
    if not is_offered(provider):
        told = not_here(provider, services().sign_in_methods[standing.page_id])
        return page_of(held, standing, problem=told, username="")
    rate_limit_keys = services().rate_limit_keys
    try:
        with (
            rate_limits.counted(rate_limit_keys.provider_visits(rate_limits.address())) as guess,
            services().admission.enter(),
        ):
            psid = standing.psid or recognition.recognise(held, standing.page_id)
            guess.count(rate_limit_keys.person(standing.page_id, psid))
            back = services().settings.public_url + url_for(".come_back", name=name)
            departure = provider.authenticator.begin(back, state=_state(attempt_id, name))
    except AuthenticatorUnavailable as exc:
        return _did_not_work(held, standing, provider, exc)
    services().write(provider_visits.depart, held.ticket, departure.memo, at=clock.now())
    log.info("provider.departed", reference=standing.reference, provider=name)
    return redirect(departure.url, 303)


@bp.get("/<attempt_id>/oidc/<name>")
def show(attempt_id: str, name: str) -> ResponseReturnValue:  # noqa: ARG001 - the address has it
    """Show where the attempt stands: somebody has reloaded the way to the provider."""
    return authorize.show(attempt_id)


@bp.get("/oidc/<name>/callback")
def come_back(name: str) -> ResponseReturnValue:
    """Take back the browser that a provider has sent with what it says of its person."""
    if request.method == "HEAD":
        # Flask answers it with this view, and the memo serves once.
        return "", 204
    params = _params()
    attempt_id = _attempt_in(params.get("state", ""), name)
    g.attempt_id = attempt_id
    held = attempt_cookie.read(attempt_id)
    standing = services().read(attempts.status_of, held.ticket, at=clock.now())
    provider = _provider(standing, name)
    try:
        identity = _identity(held, provider, params)
        services().write(attempts.sign_in, held.ticket, identity, at=clock.now())
    except AttemptExpired:
        log.info("sign_in.too_late", reference=standing.reference)
        return stop_page(held, TOO_LATE, standing)
    except (AuthenticatorUnavailable, ProofRefused) as exc:
        return _did_not_work(held, standing, provider, exc)
    log.info("sign_in.done", reference=standing.reference, issuer=identity.issuer)
    return redirect(url_for("authorize.show_confirm", attempt_id=attempt_id), 303)


def _identity(held: AttemptCookie, provider: Provider, params: dict[str, str]) -> Identity:
    # The gate before the memo: who finds it full has lost nothing, and can load the page again.
    with services().admission.enter():
        memo = services().write(provider_visits.come_back, held.ticket, at=clock.now())
        return provider.authenticator.complete(params, memo)


def _did_not_work(
    held: AttemptCookie,
    standing: AttemptStatus,
    provider: Provider,
    exc: AuthenticatorUnavailable | ProofRefused,
) -> ResponseReturnValue:
    """Return the sign-in page, which says what is wrong and has the other ways."""
    match exc:
        case SignInDeclined():
            problem = PROVIDER_DECLINED
        case ProofRefused():
            problem = PROVIDER_REFUSED
        case AuthenticatorUnavailable():
            problem = PROVIDER_AWAY
    log.warning(
        "provider.failed",
        problem=problem.name,
        reference=standing.reference,
        provider=provider.name,
        reason=exc.reason,
    )
    return page_of(held, standing, problem=problem.about(provider.label), username="")


def _provider(standing: AttemptStatus, name: str) -> Provider:
    provider = services().sign_in_methods[standing.page_id].provider(name)
    if provider is None:
        raise NotFound
    return provider


def _params() -> dict[str, str]:
    """Return what the provider sent; two programs may read a name that stands twice differently."""
    if len(request.args) < len(list(request.args.items(multi=True))):
        raise LinkAmbiguous
    return request.args.to_dict()


def _state(attempt_id: str, name: str) -> str:
    return str(_serializer().dumps([attempt_id, name, secrets.token_urlsafe(16)]))


def _attempt_in(state: str, name: str) -> str:
    """Return the attempt that *state* was sealed for, on its way to the provider *name*."""
    try:
        attempt_id, begun_at, _ = _serializer().loads(state, max_age=MAX_AGE)
    except BadSignature as exc:
        raise StateRefused from exc
    if begun_at != name:
        # Another provider's answer, brought to this one's address (RFC 9700, section 4.4).
        raise StateRefused
    return str(attempt_id)


def _serializer() -> URLSafeTimedSerializer:
    # itsdangerous takes the last for the present one.
    return URLSafeTimedSerializer(list(reversed(services().settings.secret_keys)), salt=_SALT)
