"""Tries are counted before anything is looked at, and given back where they turn out to be none."""

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
    """One try to sign in, as it has been counted so far."""

    def __init__(self) -> None:
        self.taken: list[Hit] = []

    def count(self, counters: Sequence[Counter]) -> None:
        """Count the try by *counters* too.

        Raises:
            RateLimited: One of the limits is reached.
        """
        try:
            self.taken.append(services().write(rate_limiter.hit, counters, at=clock.now()))
        except NotCommitted:
            _fail_open()

    def was_wrong(self) -> None:
        """Tell the operator where wrong guesses at one name do not end."""
        if any(taken.is_alarming for taken in self.taken):
            log.error("sign_in.guessing", address=request.remote_addr)


@contextmanager
def counted(counters: Sequence[Counter]) -> Iterator[CountedAttempt]:
    """Count a try by *counters*; whatever is raised inside gives it back.

    Raises:
        RateLimited: One of the limits is reached.
    """
    guess = CountedAttempt()
    guess.count(counters)
    try:
        yield guess
    except Exception:
        _give_back(guess.taken)
        raise


def check(counters: Sequence[Counter]) -> None:
    """Make sure that no limit is reached; count nothing.

    Raises:
        RateLimited: One is.
    """
    try:
        services().read(rate_limiter.check, counters, at=clock.now())
    except NotCommitted:
        _fail_open()


def take(counters: Sequence[Counter]) -> None:
    """Count a try that has failed.

    Raises:
        RateLimited: There were too many before.
    """
    check(counters)
    try:
        services().write(rate_limiter.hit, counters, at=clock.now())
    except NotCommitted:
        _fail_open()


def _give_back(taken: Sequence[Hit]) -> None:
    try:
        for one in taken:
            services().write(rate_limiter.refund, one)
    except NotCommitted:
        # What went wrong before is what the person must be told.
        log.warning("throttle.not_given_back")


def _fail_open() -> None:
    # Rather a guess too many than nobody let in (security.md R61).
    log.error("throttle.failed_open")


def address() -> str:
    """Return whom the present request counts for; behind proxies see TRUSTED_PROXIES."""
    return request.remote_addr or ""
