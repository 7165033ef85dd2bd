from dataclasses import dataclass

from app.messenger.types import PageId


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator's settings mean for what happens to links."""

    pages: frozenset[PageId]
    # Whether there is a bot that wants to be told.
    tells_bot: bool
