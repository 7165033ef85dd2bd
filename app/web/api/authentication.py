"""Who asks, and what they may: one key, in one place of the request (security.md R92-R94)."""

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


def granted(scope: Scope) -> Grant:
    """Return what the present request may do, *scope* included.

    Raises:
        KeyExposed: A key stands in the address.
        KeyRefused: There is no good key.
        RateLimited: Too many from this address had none.
        ScopeMissing: The key is for other things.
    """
    _refuse_exposed()
    try:
        grant = services().read(keys.check, _bearer(), at=clock.now())
    except KeyRefused:
        _count_refusal()
        log.warning("api.key_refused", address=rate_limits.address())
        raise
    if scope not in grant.scopes:
        raise ScopeMissing
    if grant.is_use_due:
        _note_use(grant)
    return grant


def _bearer() -> str:
    """Return the key of the Authorization header, or a text that is no key."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _refuse_exposed() -> None:
    given = (value for _, values in request.args.lists() for value in values)
    exposed = next(filter(tokens.is_key, given), None)
    if exposed is None:
        return
    # Anybody can make up what has the form of a key: limited as other bad keys are, and written
    # down only where it is one of ours.
    _count_refusal()
    key_id = services().read(keys.whose, exposed)
    if key_id is not None:
        services().write(keys.flag_exposed, key_id, at=clock.now())
        log.error("api.key_exposed", key=key_id, hint="revoke it: threadlink keys revoke")
    raise KeyExposed


def _count_refusal() -> None:
    rate_limits.take(services().rate_limit_keys.refused_keys(rate_limits.address()))


def _note_use(grant: Grant) -> None:
    try:
        services().write(keys.note_use, grant.key_id, at=clock.now())
    except NotCommitted:
        # A look-up needs no writing, and must not fail for want of it.
        log.warning("api.use_not_noted", key=grant.key_id)
