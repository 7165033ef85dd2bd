"""How one kind of thing is done, and how it says that it could not be."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from app.outbox.queue import Claim


class RetryLater(Exception):
    """It was not done, and the same try may succeed later; the message is one word for the log.

    *wait* is how long the other side asked us to leave it alone.
    """

    def __init__(self, failure: str, *, wait: timedelta | None = None) -> None:
        super().__init__(failure)
        self.wait = wait


class GiveUp(Exception):
    """It was not done, and no try will succeed; the message is one word for the log."""


class TargetGone(Exception):
    """The other side says that it wants nothing of the kind any more."""


@dataclass(frozen=True, slots=True)
class Handler:
    """How one kind of thing is done: *perform* returns, or raises Again, Never or Gone.

    A *tireless* duty is tried once a day when the usual tries are used up; *at_once* are done at
    the same time.
    """

    perform: Callable[[Claim], None]
    tireless: bool = False
    at_once: int = 1
