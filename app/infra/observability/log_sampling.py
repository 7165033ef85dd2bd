"""Sampling of the log events that anyone can cause, so that refusals cannot fill the disk."""

import threading
from collections.abc import Callable
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

# Events that cost a stranger nothing but a request.
BY_STRANGERS: Final = frozenset(
    {
        "api.key_refused",
        "attempt.not_confirmed",
        "authenticator.failed",
        "database.failed",
        "delivery_log.failed",
        "door.gave_up",
        "door.header_refused",
        "door.refused",
        "graph.region_refused",
        "invitation.code_unknown",
        "invitation.refused",
        "invitation.typing_suspended",
        "privacy.refused",
        "profile.picture_refused",
        "redirect_uri.unknown_names",
        "request.address_unknown",
        "request.failed",
        "request.foreign_host",
        "request.not_https",
        "request.refused",
        "setup.fault",
        "webhook.handshake_refused",
        "webhook.wrong_path",
    }
)
# Those whose cause is the operator's, so that one of a kind says all.
ONCE: Final = frozenset(
    {
        "door.header_refused",
        "request.address_unknown",
        "request.not_https",
        "webhook.wrong_path",
    }
)
_KIND: Final = ("event", "problem", "reason", "authenticator", "subject")
# Of each kind, in each window.
MOST: Final = 20
WINDOW_S: Final = 60.0


class Sampler:
    """A structlog processor that passes *most* lines of a kind in each window, and drops others.

    The first line of a kind in the next window has their number as `unsaid`.
    """

    def __init__(self, clock: Callable[[], float], *, most: int = MOST) -> None:
        self._clock, self._most = clock, most
        self._lock = threading.Lock()
        self._begun_at: dict[tuple[str, ...], float] = {}
        self._seen: dict[tuple[str, ...], int] = {}

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        if event.get("event") not in BY_STRANGERS:
            return event
        # No text of a stranger is part of a kind, so the number of kinds is bounded.
        kind = tuple(str(event.get(name)) for name in _KIND)
        with self._lock:
            unsaid = self._count(kind)
        return {**event, "unsaid": unsaid} if unsaid else event

    def _count(self, kind: tuple[str, ...]) -> int:
        """Return how many of *kind* were dropped in the last window, if a new one begins."""
        at, unsaid, most = self._clock(), 0, 1 if kind[0] in ONCE else self._most
        if at - self._begun_at.get(kind, -WINDOW_S) >= WINDOW_S:
            unsaid = max(0, self._seen.get(kind, 0) - most)
            self._begun_at[kind], self._seen[kind] = at, 0
        self._seen[kind] += 1
        if self._seen[kind] > most:
            raise structlog.DropEvent
        return unsaid
