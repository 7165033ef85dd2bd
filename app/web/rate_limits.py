"""Rate limiting of sign-ins.

A try is counted before the credentials are checked, and refunded if they could not be. One that
cannot be counted, because the database takes no writes, is answered with 503.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from flask import request

from app.accounts import rate_limiter
from app.accounts.rate_limit_keys import Counter, network
from app.accounts.rate_limiter import Hit
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.web import proxy_warnings
from app.web.current import services
from app.web.forwarding import CLIENT, Client

log = structlog.get_logger()


@contextmanager
def counted(
    counters: Sequence[Counter], *, wrong: type[Exception] | tuple[()] = ()
) -> Iterator[Hit]:
    """Count a try by *counters*; an exception inside refunds it, unless it is *wrong*.

    Raises:
        RateLimited: One of the limits is reached.
        NotCommitted: The try cannot be counted, so that nothing may be checked.
    """
    hit = _count(counters)
    try:
        yield hit
    except wrong:
        if hit.is_alarming:
            log.error("sign_in.guessing", address=request.remote_addr)  # noqa: TRY400 - no error of ours
        raise
    except Exception:
        _refund(hit)
        raise


def take(counters: Sequence[Counter]) -> None:
    """Count a try that has failed.

    Raises:
        RateLimited: One of the limits was reached before.
        NotCommitted: The try cannot be counted.
    """
    services().read(rate_limiter.check, counters, at=clock.now())
    _count(counters)


def _count(counters: Sequence[Counter]) -> Hit:
    try:
        return services().write(rate_limiter.hit, counters, at=clock.now())
    except NotCommitted:
        # Guesses that nothing counts would be free, and without a write nobody can sign in anyway.
        log.error("throttle.not_counted")  # noqa: TRY400 - no error of ours to trace
        raise


def _refund(hit: Hit) -> None:
    try:
        services().write(rate_limiter.refund, hit)
    except NotCommitted:
        # The person is shown the error that led here.
        log.warning("throttle.not_given_back")


def address() -> str:
    """Return the client address that tries are counted by; behind proxies see TRUSTED_PROXIES.

    Where they do not tell it, it is the network of the nearest address, and the operator is warned.
    """
    client: Client = request.environ[CLIENT]
    if client.fault is None:
        return client.address
    proxy_warnings.warn_of_address(client.fault, services().settings)
    return network(client.address)
