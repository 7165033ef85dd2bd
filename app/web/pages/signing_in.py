"""The sign-in by password or at a provider, wherever a page of ours offers it.

Attempts and browser sessions differ in what is recorded, in what a try is counted by, and in where
a person comes next. A `Place` says so; everything else is here, once: equal work and equal answers
for every name (R59, R60), the limits (R61), the gate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Concatenate, Final, Generic, Protocol, TypeVar

import structlog
from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from app.accounts.authenticators import (
    AccountNotAdmitted,
    AuthenticatorMisconfigured,
    AuthenticatorUnavailable,
    AuthorizationRequest,
    CredentialsRefused,
    PasswordExpired,
    ProofRefused,
    Provider,
    SignInDeclined,
    SignInNotFresh,
)
from app.accounts.identity import Identity, meant_name
from app.accounts.rate_limit_keys import Counter
from app.accounts.rate_limiter import Hit
from app.infra import clock
from app.linking import flow
from app.linking.attempt_events import Kind
from app.linking.renewal import Proof, RecordSignIn, UserOf, proof_by_password
from app.linking.values import Ticket, User
from app.messenger.types import PageId
from app.web import authenticator_failures, obstacles, rate_limits
from app.web.current import services
from app.web.pages.provider_state import signed_state
from app.web.pages.recognition import log_sign_in
from app.web.pages.webviews import is_offered, not_here
from app.web.problems.forms import (
    FIRST_PASSWORD_EXPIRED,
    PROVIDER_AWAY,
    PROVIDER_DECLINED,
    PROVIDER_MISCONFIGURED,
    PROVIDER_NOT_ADMITTED,
    PROVIDER_NOT_FRESH,
    PROVIDER_REFUSED,
    WRONG_CREDENTIALS,
)
from app.web.problems.problem import Problem

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


class Cookie(Protocol):
    """The part of an attempt's or a session's cookie that a sign-in needs."""

    @property
    def ticket(self) -> Ticket: ...


C = TypeVar("C", bound=Cookie)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Generic[C]):
    """A page on which a person signs in: of an attempt, or of a browser session."""

    cookie: C
    page_id: PageId
    renewed: Callable[[Proof], C]
    # The steps of `attempts` or `browser_sessions`, with `provider_visits` beside the former.
    record: RecordSignIn
    # Locks the attempt or the session, in which the password is to be changed.
    user_of: UserOf
    depart: Callable[Concatenate[Session, Ticket, str, ...], None]
    come_back: Callable[Concatenate[Session, Ticket, ...], str]
    # Called once a try is about to be counted; the first may ask Graph whose log-in it is.
    password_counters: Callable[[str], Sequence[Counter]]
    visit_counters: Callable[[], Sequence[Counter]]
    # For what the state is signed that a provider brings back (`provider_state`).
    kind: str
    put: Callable[[C], None]
    # The sign-in page with a problem, and what was typed as the name.
    page: Callable[[Problem, str], ResponseReturnValue]
    # The answer after the right password, with the new cookie, which is put already.
    go_on: Callable[[C], ResponseReturnValue]
    # The answer that takes the browser to a provider.
    leave: Callable[[AuthorizationRequest, Provider], ResponseReturnValue]


def by_password(place: Place[C]) -> ResponseReturnValue:
    """Answer the sign-in form."""
    # The password as it is: a directory or an endpoint compares what was set elsewhere.
    username, password = meant_name(request.form["username"]), request.form["password"]
    methods = services().sign_in_methods[place.page_id]
    authenticator, g.authenticator = methods.password, methods.password_name
    if authenticator is None:
        raise NotFound
    counters = place.password_counters(username)
    try:
        with (
            rate_limits.counted(counters, wrong=CredentialsRefused) as hit,
            services().admission.enter(),
        ):
            renewed = verify_and_record(place, authenticator.verify, username, password, hit)
    except CredentialsRefused as exc:
        obstacles.note_wrong_credentials(methods.password_name, exc)
        expired = isinstance(exc, PasswordExpired)
        log.info("sign_in.refused", authenticator=methods.password_name, expired=expired)
        return place.page(FIRST_PASSWORD_EXPIRED if expired else WRONG_CREDENTIALS, username)
    # Outside the count: an error here says nothing about the guess.
    return place.go_on(renewed)


def verify_and_record(
    place: Place[C],
    verify: Callable[[str, str], Identity],
    username: str,
    password: str,
    counted: Hit,
) -> C:
    """Record who has proved by *verify* to be *username*; return the new cookie, which is put.

    Slow: call it with admission only.

    Raises:
        CredentialsRefused, AttemptError, SessionError: As `flow.sign_in` raises them.
    """
    identity = verify(username, password)
    renewed = place.renewed(proof_by_password(User(identity.issuer, identity.subject)))
    services().write(
        flow.sign_in,
        place.cookie.ticket,
        identity,
        renewed.ticket,
        counted,
        record=place.record,
        name_hashes=services().name_hasher.hashes_of(identity),
        at=clock.now(),
    )
    place.put(renewed)
    log_sign_in(identity)
    return renewed


def depart(place: Place[C], name: str) -> ResponseReturnValue:
    """Send the browser to the provider called *name*."""
    provider = provider_of(place.page_id, name)
    if not is_offered(provider):
        obstacles.note(Kind.PROVIDER_NOT_OFFERED, subject=_subject(provider))
        return place.page(not_here(provider, services().sign_in_methods[place.page_id]), "")
    counters = place.visit_counters()
    try:
        with rate_limits.counted(counters), services().admission.enter():
            back = services().settings.public_url + url_for("oidc.come_back", name=name)
            state = signed_state(place.kind, place.cookie.ticket.attempt_id, name)
            authorization = provider.authenticator.begin(back, state=state)
    except AuthenticatorUnavailable as exc:
        return _did_not_work(place, provider, exc)
    services().write(place.depart, place.cookie.ticket, authorization.memo, at=clock.now())
    obstacles.note(Kind.PROVIDER_LEFT, subject=_subject(provider))
    log.info("provider.departed", provider=name)
    return place.leave(authorization, provider)


def by_provider(
    place: Place[C], renewed: C, name: str, params: dict[str, str]
) -> ResponseReturnValue | None:
    """Sign in the person whom the provider called *name* has sent back with *params*.

    Returns the page that says what went wrong; None if nothing did, and *renewed* is the cookie.
    """
    provider = provider_of(place.page_id, name)
    obstacles.note(Kind.PROVIDER_RETURNED, subject=_subject(provider))
    try:
        identity = _identity(place, provider, params)
        services().write(
            flow.sign_in_by_provider,
            place.cookie.ticket,
            identity,
            renewed.ticket,
            record=place.record,
            name_hashes=services().name_hasher.hashes_of(identity),
            at=clock.now(),
        )
    except (AuthenticatorUnavailable, ProofRefused) as exc:
        return _did_not_work(place, provider, exc)
    log_sign_in(identity)
    place.put(renewed)
    return None


def provider_of(page_id: PageId, name: str) -> Provider:
    """Return the provider that the page of *page_id* offers under *name*.

    Raises:
        NotFound: It offers none of this name.
    """
    provider = services().sign_in_methods[page_id].provider(name)
    if provider is None:
        raise NotFound
    return provider


def _identity(place: Place[C], provider: Provider, params: dict[str, str]) -> Identity:
    # Admission before the memo: a person who is not admitted can load the page again.
    with services().admission.enter():
        memo = services().write(place.come_back, place.cookie.ticket, at=clock.now())
        return provider.authenticator.complete(params, memo)


def _did_not_work(
    place: Place[C], provider: Provider, exc: AuthenticatorUnavailable | ProofRefused
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
    return place.page(problem.about(provider=provider.label), "")


def _subject(provider: Provider) -> str:
    """Return the provider's name in AUTHENTICATORS."""
    return f"oidc:{provider.name}"
