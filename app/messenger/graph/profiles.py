"""Profiles of people who write to a page: the name that they chose, and where their picture is.

Messenger withholds many profiles from apps without a feature of their own; the page's
conversations name their participants by another permission, and are asked second.

developers.facebook.com, Messenger Platform, page "User Profile", read 2026-11.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final, Literal

from app.infra.network.http_client import Deadline
from app.messenger.display_names import visible_name
from app.messenger.errors import GraphError, GraphUnavailable, NameWithheld, PersonUnknown
from app.messenger.graph.conversations import Conversations, Miss
from app.messenger.graph.ids import is_id
from app.messenger.graph.transport import TOTAL_S, Call, GraphTransport
from app.messenger.pictures import LONGEST_ADDRESS
from app.messenger.types import PageId, Psid

# The origin of a name, or why there is none.
Source = Literal["profile", "conversations", "withheld", "unavailable"]

# So many different people, one after the other, whose profile was refused, and the time for which
# it is not asked for. Different ones: one person who hides a profile hides nobody else's.
MOST_REFUSED: Final = 3
PAUSE_S: Final = 600.0
ROAD: Final = "profile_name"
_NAMES: Final = "first_name,last_name"
WITH_PICTURE: Final = f"{_NAMES},profile_pic"


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile of a person, as far as Messenger shows it.

    People choose their names and pictures: *name* is plain text that can be stored, and neither
    proves anything. *picture_url* is what Graph said, of no checked host. *missed* has what led to
    no name, in the order in which it was asked.
    """

    name: str | None = None
    picture_url: str | None = field(default=None, repr=False)
    source: Source = "withheld"
    missed: tuple[Miss, ...] = ()

    @property
    def failure(self) -> GraphError | None:
        """The error for which nobody knows whether the profile itself is shown, if there is one."""
        own = next((miss for miss in self.missed if miss.road == ROAD), None)
        return own.error if own and not own.is_withheld and self.name is None else None


class Profiles:
    """The profiles of one page's people. Thread-safe."""

    def __init__(
        self,
        transport: GraphTransport,
        page_id: PageId,
        *,
        conversations_per_s: float,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._transport = transport
        self._conversations = Conversations(
            transport, page_id, calls_per_s=conversations_per_s, now=now
        )
        self._now = now
        self._lock = threading.Lock()
        self._refused: deque[Psid] = deque(maxlen=MOST_REFUSED)
        self._paused_until = now()

    def read(
        self, psid: Psid, *, with_picture: bool = True, deadline: Deadline | None = None
    ) -> Profile:
        """Return the profile of *psid*; a name from the page's conversations where it has none.

        Raises:
            GraphRefused: What Graph refuses is not the person's profile.
        """
        if not is_id(psid):
            return Profile()
        deadline = deadline or Deadline(TOTAL_S)
        own = self._own(psid, deadline, with_picture=with_picture)
        if own.name:
            return own
        found = self._conversations.name_of(psid, deadline)
        if isinstance(found, str):
            return replace(own, name=found, source="conversations")
        missed = (*own.missed, found)
        is_withheld = all(miss.is_withheld for miss in missed)
        return replace(own, source="withheld" if is_withheld else "unavailable", missed=missed)

    def _own(self, psid: Psid, deadline: Deadline, *, with_picture: bool) -> Profile:
        """Return what the person's own profile shows."""
        if self._now() < self._paused_until:
            reason = "not asked after refusals"
            return _without(Miss(ROAD, is_withheld=True, reason=reason, was_skipped=True))
        try:
            answer = self._transport.send(
                Call(
                    name=ROAD,
                    method="GET",
                    path=f"/{psid}",
                    params={"fields": WITH_PICTURE if with_picture else _NAMES},
                    may_repeat=True,
                ),
                deadline=deadline,
            )
        except (NameWithheld, PersonUnknown) as exc:
            self._count_refusal(psid)
            return _without(Miss(ROAD, is_withheld=True, error=exc))
        except GraphUnavailable as exc:
            return _without(Miss(ROAD, is_withheld=False, error=exc))
        with self._lock:
            self._refused.clear()
        name, picture_url = _name(answer), _picture_url(answer)
        nameless = Miss(ROAD, is_withheld=True, reason="without a name")
        return Profile(name, picture_url, "profile", () if name else (nameless,))

    def _count_refusal(self, psid: Psid) -> None:
        with self._lock:
            if psid not in self._refused:
                self._refused.append(psid)
            # Kept over the pause: one more refusal after it begins another.
            if len(self._refused) == MOST_REFUSED:
                self._paused_until = self._now() + PAUSE_S


def _without(miss: Miss) -> Profile:
    return Profile(missed=(miss,))


def _name(profile: Mapping[str, Any]) -> str | None:
    parts = (profile.get("first_name"), profile.get("last_name"))
    return visible_name(" ".join(part for part in parts if isinstance(part, str)))


def _picture_url(profile: Mapping[str, Any]) -> str | None:
    match profile.get("profile_pic"):
        case str(url) if 0 < len(url) <= LONGEST_ADDRESS and url.isascii() and url.isprintable():
            return url
        case _:
            return None
