"""A reference model of links in a few lines, for histories that tests make up."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.accounts.identity import Identity
from app.linking.authorization_codes import CLOCK_SKEW
from app.linking.links import MOST_AHEAD
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import Psid
from tests.installation import NOON

TEN_MINUTES = timedelta(minutes=10)


@dataclass(frozen=True)
class Code:
    text: str
    psid: Psid
    identity: Identity
    confirmed_at: datetime


@dataclass
class ReferenceModel:
    """The links after a history: of the events with a good code, the latest counts."""

    # For each person: when, whether it is an end, and who was linked.
    facts: dict[Psid, list[tuple[datetime, bool, Identity | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    ended_by_us_at: dict[Psid, datetime] = field(default_factory=dict)
    heard: set[object] = field(default_factory=set)

    def linked(self, code: Code, event: AccountLinked, at: datetime) -> None:
        earliest, latest = code.confirmed_at - CLOCK_SKEW, code.confirmed_at + TEN_MINUTES
        is_void = code.confirmed_at <= self.ended_by_us_at.get(event.psid, NOON - 9 * TEN_MINUTES)
        is_in_time = earliest <= event.event_at <= latest
        if code not in self.heard and event.psid == code.psid and is_in_time and not is_void:
            self.facts[event.psid].append((_ordering(event.event_at, at), False, code.identity))
        self.heard.add(code)

    def unlinked(self, event: AccountUnlinked, at: datetime) -> None:
        if event not in self.heard:
            self.facts[event.psid].append((_ordering(event.event_at, at), True, None))
        self.heard.add(event)

    def ended_by_us(self, psid: Psid, at: datetime, codes: Iterable[Code]) -> None:
        # What is on its way ends as well.
        self.heard |= {code for code in codes if code.psid == psid}
        if self.standing(psid):
            self.facts[psid].append((self._last(psid)[0], True, None))
            self.ended_by_us_at[psid] = at

    def standing(self, psid: Psid) -> Identity | None:
        return self._last(psid)[2] if self.facts[psid] else None

    def _last(self, psid: Psid) -> tuple[datetime, bool, Identity | None]:
        # At equal times an end is later than a beginning, and of two beginnings the first stands.
        return max(self.facts[psid], key=lambda fact: fact[:2])


def _ordering(event_at: datetime, at: datetime) -> datetime:
    return at if event_at > at + MOST_AHEAD else event_at
