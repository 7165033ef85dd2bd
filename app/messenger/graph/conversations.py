"""Names of people from the conversations of a page, where their profiles do not show them.

developers.facebook.com, Messenger Platform, pages "Conversations API" and "Rate limits" (two calls
a second for each Page), read 2026-11.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from time import monotonic
from typing import Any, Final, Literal

from app.infra.network.http_client import Deadline
from app.messenger.display_names import visible_name
from app.messenger.errors import GraphError, GraphRefused, GraphUnavailable
from app.messenger.graph.error_table import row_of
from app.messenger.graph.meanings import Meaning
from app.messenger.graph.transport import Call, GraphTransport
from app.messenger.types import PageId, Psid

# For all processes that serve one page together.
CALLS_PER_S: Final = 2.0
# The person waits, and has waited for two answers before.
PATIENCE_S: Final = 1.5
WORTH_ASKING_S: Final = 1.0
# The time for which they are not asked after Graph refused us the permission.
PAUSE_S: Final = 3600.0

Road = Literal["profile_name", "conversations"]
ROAD: Final = "conversations"


@dataclass(frozen=True, slots=True)
class Miss:
    """A road that led to no name: Messenger withholds it there, or there was no answer.

    *error* is Graph's, if it was asked and gave one; *reason* is ours.
    """

    road: Road
    _: KW_ONLY
    is_withheld: bool
    error: GraphError | None = None
    reason: str = ""
    # Remembered from others, and not asked for this person.
    was_skipped: bool = False


class Conversations:
    """The conversations of one page, asked for the name of a participant. Thread-safe."""

    def __init__(
        self,
        transport: GraphTransport,
        page_id: PageId,
        *,
        calls_per_s: float = CALLS_PER_S,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._transport = transport
        self._page_id = page_id
        self._now = now
        self._budget = _Budget(calls_per_s, now)
        self._paused_until = now()

    def name_of(self, psid: Psid, deadline: Deadline) -> str | Miss:
        """Return the name of *psid* within *deadline*; never that of another participant."""
        if self._now() < self._paused_until:
            reason = "not asked after a refused permission"
            return Miss(ROAD, is_withheld=True, reason=reason, was_skipped=True)
        left_s = deadline.left_s()
        if left_s < WORTH_ASKING_S:
            return _unanswered(reason="no time left")
        if not self._budget.take():
            return _unanswered(reason="not asked, too many calls a second")
        try:
            answer = self._ask(psid, Deadline(min(PATIENCE_S, left_s)))
        except GraphUnavailable as exc:
            return _unanswered(exc)
        except GraphRefused as exc:
            if _is_permission(exc):
                self._paused_until = self._now() + PAUSE_S
            return _withheld(exc)
        return _name_in(answer, psid) or _withheld(reason="without a name")

    def _ask(self, psid: Psid, deadline: Deadline) -> Mapping[str, Any]:
        # Not repeated: each try counts against the page's two calls a second.
        return self._transport.send(
            Call(
                name=ROAD,
                method="GET",
                path=f"/{self._page_id}/conversations",
                params={
                    "platform": "messenger",
                    "user_id": psid,
                    "fields": "participants",
                    "limit": "1",
                },
            ),
            deadline=deadline,
        )


class _Budget:
    """An allowance of calls, which fills by *per_s* and holds those of one second, or one call."""

    def __init__(self, per_s: float, now: Callable[[], float]) -> None:
        self._per_s = per_s
        self._most = max(per_s, 1.0)
        self._now = now
        self._lock = threading.Lock()
        self._left, self._at = self._most, now()

    def take(self) -> bool:
        """Take one call, if there is one left."""
        with self._lock:
            at = self._now()
            self._left = min(self._most, self._left + (at - self._at) * self._per_s)
            self._at = at
            if self._left < 1.0:
                return False
            self._left -= 1.0
            return True


def _withheld(error: GraphError | None = None, reason: str = "") -> Miss:
    return Miss(ROAD, is_withheld=True, error=error, reason=reason)


def _unanswered(error: GraphError | None = None, reason: str = "") -> Miss:
    return Miss(ROAD, is_withheld=False, error=error, reason=reason)


def _is_permission(exc: GraphRefused) -> bool:
    """Return whether Graph refuses the page, and not the one person whom it was asked for."""
    if exc.code is None:
        return False
    return row_of(exc.code, exc.subcode).meaning is Meaning.PERMISSION


def _name_in(answer: Mapping[str, Any], psid: Psid) -> str | None:
    """Return the name of the participant whose id is *psid*.

    The page is a participant too; a name without an id, or with another one, is nobody's.
    """
    for person in _participants(answer):
        match person:
            case {"id": str(id_), "name": str(name)} if id_ == psid:
                return visible_name(name)
    return None


def _participants(answer: Mapping[str, Any]) -> list[Any]:
    match answer:
        case {"data": [{"participants": {"data": [*people]}}, *_]}:
            return people
        case _:
            return []
