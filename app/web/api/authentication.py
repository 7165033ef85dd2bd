"""Authentication of API requests: a key in the Authorization header, nowhere else (R92-R94)."""

import structlog
from flask import request

from app.api_keys import service as keys
from app.api_keys import tokens
from app.api_keys.service import Grant, KeyRefused, Scope
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.web import rate_limits
from app.web.current import services
from app.web.exceptions import KeyExposed, ScopeMissing

log = structlog.get_logger()


def authenticate(scope: Scope) -> Grant:
    """Return the grant of the present request's key, which includes *scope*.

    Raises:
        KeyExposed: The URL contains a key.
        KeyRefused: There is no valid key.
        RateLimited: Too many requests from this address had no valid key.
        ScopeMissing: The key does not have *scope*.
    """
    _refuse_key_in_url()
    try:
        grant = services().read(keys.check, _bearer_token(), at=clock.now())
    except KeyRefused:
        _count_invalid_key()
        log.warning("api.key_refused", address=request.remote_addr)
        raise
    if scope not in grant.scopes:
        log.warning("api.scope_refused", key=grant.key_id, scope=scope)
        raise ScopeMissing
    if grant.is_use_due:
        _record_use(grant)
    return grant


def _bearer_token() -> str:
    """Return the token of the Authorization header; without one, a text that is not a key."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _refuse_key_in_url() -> None:
    values = (value for _, values in request.args.lists() for value in values)
    exposed = next(filter(tokens.is_key, values), None)
    if exposed is None:
        return
    # Anybody can invent a text of the form of a key: it counts towards the rate limit like other
    # invalid keys, and is logged only if it is one of ours.
    _count_invalid_key()
    key_id = services().read(keys.find_id, exposed)
    if key_id is not None:
        services().write(keys.flag_exposed, key_id, at=clock.now())
        log.error("api.key_exposed", key=key_id, hint="revoke it: threadlink keys revoke")
    raise KeyExposed


def _count_invalid_key() -> None:
    rate_limits.take(services().rate_limit_keys.refused_keys(rate_limits.address()))


def _record_use(grant: Grant) -> None:
    try:
        services().write(keys.record_use, grant.key_id, at=clock.now())
    except NotCommitted:
        # A look-up must not fail because its use cannot be recorded.
        log.warning("api.use_not_noted", key=grant.key_id)
