"""Values that the functions of privacy take and return; they outlive the session."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Self, cast

from app.messenger.types import PageId, Psid
from app.privacy.models import PrivacyRequest

Kind = Literal["deletion", "deauthorize", "user"]
State = Literal["received", "duty", "ended", "done"]


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """A person of a Page. *version* is that of the link when it was ended, 0 where there was none.

    *was_held*: something was kept of them.
    """

    page_id: PageId
    psid: Psid
    version: int = 0
    was_held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; `PrivacyRequest` explains each field."""

    reference: str
    kind: Kind
    state: State
    asked_at: datetime
    ended_at: datetime | None
    done_at: datetime | None
    why: str | None
    user_id: str | None = field(repr=False)
    people: tuple[ErasedPerson, ...] = field(repr=False)
    found: int | None

    @classmethod
    def of(cls, row: PrivacyRequest) -> Self:
        """Return the value of *row*."""
        return cls(
            reference=row.reference,
            kind=cast("Kind", row.kind),
            state=cast("State", row.state),
            asked_at=row.asked_at,
            ended_at=row.ended_at,
            done_at=row.done_at,
            why=row.why,
            user_id=row.user_id,
            people=tuple(
                ErasedPerson(PageId(page_id), Psid(psid), version, was_held=was_held)
                for page_id, psid, version, was_held in json.loads(row.people or "[]")
            ),
            found=row.found,
        )


def written(people: Iterable[ErasedPerson]) -> str:
    """Return *people* as a row holds them."""
    return json.dumps([[p.page_id, p.psid, p.version, p.was_held] for p in people])
