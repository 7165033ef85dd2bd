"""The requests that passed between Messenger and the server under test."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """A request between Messenger and your server with its answer, as they went over the wire."""

    kind: str
    title: str
    at: datetime
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)
    # None when there was no answer, or nothing was sent: `reason` says why.
    status: int | None
    answer_headers: Mapping[str, str] = field(repr=False)
    answer: str = field(repr=False)
    # The failure and how to fix it, or None.
    reason: str | None
    fix: str | None
    faults: tuple[str, ...]

    @property
    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """Every event of a webhook delivery, from `messaging` and `standby` of all entries."""
        entries = self.json["entry"]
        return [e for entry in entries for e in entry.get("messaging", entry.get("standby", []))]


def exchange_from(row: Mapping[str, Any]) -> Exchange:
    """Return *row*, one exchange as the control API describes it."""
    failure = row["failure"] or {}
    return Exchange(
        kind=row["kind"],
        title=row["title"],
        at=datetime.fromisoformat(row["at"]),
        method=row["method"],
        url=row["url"],
        headers=dict(row["headers"]),
        body=row["body"],
        status=row["status"],
        answer_headers=dict(row["answer_headers"]),
        answer=row["answer"],
        reason=failure.get("reason"),
        fix=failure.get("fix"),
        faults=tuple(row["faults"]),
    )
