"""Rate limiting of sign-ins.

A try is counted before the credentials are checked, and refunded if they could not be.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from flask import request

from app.accounts import rate_limiter
from app.accounts.rate_limiter import Hit
from app.accounts.rate_limits import Counter
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.web.current import services

log = structlog.get_logger()


class CountedAttempt:
    """A try to sign in, with the counters that it is counted by so far."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []

    def count(self, counters: Sequence[Counter]) -> None:
        """Count the try by *counters* also.

        Raises:
            RateLimited: One of the limits is reached.
        """
        try:
            self.hits.append(services().write(rate_limiter.hit, counters, at=clock.now()))
        except NotCommitted:
            _fail_open()

    def was_wrong(self) -> None:
        """Log an error where password guessing at one account goes on and on."""
        if any(hit.is_alarming for hit in self.hits):
            log.error("sign_in.guessing", address=request.remote_addr)


@contextmanager
def counted(counters: Sequence[Counter]) -> Iterator[CountedAttempt]:
    """Count a try by *counters*; an exception inside refunds it.

    Raises:
        RateLimited: One of the limits is reached.
    """
    tries = CountedAttempt()
    tries.count(counters)
    try:
        yield tries
    except Exception:
        _refund(tries.hits)
        raise


def check(counters: Sequence[Counter]) -> None:
    """Check that no limit is reached; count nothing.

    Raises:
        RateLimited: One of the limits is reached.
    """
    try:
        services().read(rate_limiter.check, counters, at=clock.now())
    except NotCommitted:
        _fail_open()


def take(counters: Sequence[Counter]) -> None:
    """Count a try that has failed.

    Raises:
        RateLimited: One of the limits was reached before.
    """
    check(counters)
    try:
        services().write(rate_limiter.hit, counters, at=clock.now())
    except NotCommitted:
        _fail_open()


def _refund(hits: Sequence[Hit]) -> None:
    try:
        for hit in hits:
            services().write(rate_limiter.refund, hit)
    except NotCommitted:
        # The person is shown the error that led here.
        log.warning("throttle.not_given_back")


def _fail_open() -> None:
    # Better a guess too many than no sign-in at all (R61).
    log.error("throttle.failed_open")


def address() -> str:
    """Return the client address that tries are counted by; behind proxies see TRUSTED_PROXIES."""
    return request.remote_addr or ""
