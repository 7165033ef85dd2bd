"""Handlers of outbox items, and the exceptions by which they ask for a retry or stop a target."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from app.outbox.queue import Claim


class RetryLater(Exception):
    """The work was not done, and a later try may succeed.

    The message is a reason fit for logs: it names no address and no person. *wait* is the time
    that the target asked for, if it did.
    """

    def __init__(self, failure: str, *, wait: timedelta | None = None) -> None:
        super().__init__(failure)
        self.wait = wait


class TargetGone(Exception):
    """The target wants no items of this kind any more; the item itself stays in the queue."""


@dataclass(frozen=True, slots=True)
class Handler:
    """The work that items of one kind ask for: *perform* returns when it is done.

    *perform* raises `RetryLater` or `TargetGone` when it could not do the work, and is called for
    up to *concurrency* items at the same time. With *retries_forever* an item never becomes a dead
    letter: after the usual retries it is tried once a day.
    """

    perform: Callable[[Claim], None]
    retries_forever: bool = False
    concurrency: int = 1
