"""Handlers of outbox items, and the exceptions by which they ask for a retry."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from app.outbox.circuit_breaker import Cause
from app.outbox.queue import Claim


class RetryLater(Exception):
    """The work was not done, and a later try may succeed.

    The message is a reason fit for logs: it names no address and no person. *wait* is the time
    that the target asked for, if it did.
    """

    cause = Cause.REFUSED

    def __init__(self, failure: str, *, wait: timedelta | None = None) -> None:
        super().__init__(failure)
        self.wait = wait
        if wait is not None and self.cause is Cause.REFUSED:
            self.cause = Cause.BUSY


class PartFailed(RetryLater):
    """The target answered, and refuses a part of the items: those of one Page, for example."""

    cause = Cause.PART


class PerhapsNothingToDo(PartFailed):
    """The target's refusal may mean that nothing is left to do.

    After the usual tries the item becomes a dead letter, also where the handler retries forever.
    """


class NotYet(RetryLater):
    """This item and others like it must wait: a rate limit of one Page, or its dead token.

    It says nothing of the target, and counts as no try: the next one is when the time is over.
    """

    def __init__(self, failure: str, *, wait: timedelta) -> None:
        super().__init__(failure)
        self.wait: timedelta = wait


class Unreachable(RetryLater):
    """There was no connection to the target: the item was not sent."""

    cause = Cause.UNREACHABLE


class TargetGone(RetryLater):
    """The target answered 410 Gone: it wants no items of this kind any more."""

    cause = Cause.GONE


@dataclass(frozen=True, slots=True)
class Handler:
    """The work that items of one kind ask for: *perform* returns when it is done.

    *perform* raises `RetryLater` when it could not do the work, and is called for up to
    *concurrency* items at the same time. With *retries_forever* an item never becomes a dead
    letter, but for `PerhapsNothingToDo`: after the usual retries it is tried once a day.
    """

    perform: Callable[[Claim], None]
    retries_forever: bool = False
    concurrency: int = 1
