"""Usage of Graph's rate limits, from the headers of an answer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

# developers.facebook.com/docs/graph-api/overview/rate-limiting: percentages; X-Page-Usage is the
# older form for Pages.
_HEADERS: Final = {
    "app": "X-App-Usage",
    "page": "X-Page-Usage",
    "business": "X-Business-Use-Case-Usage",
}
_PERCENTAGES: Final = ("call_count", "total_cputime", "total_time")
_LONGEST_WAIT_MIN: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Usage:
    """The highest percentage in each usage header, and the seconds that Graph asks to wait.

    *percents* has the keys "app", "page" and "business", as far as their headers are present.
    """

    percents: Mapping[str, int] = field(default_factory=dict)
    wait_s: int | None = None


def read_usage(headers: Mapping[str, str]) -> Usage:
    """Return the usage in *headers*; a header that cannot be read counts as absent."""
    allowances = {
        short: [*_allowances(headers.get(name, "{}"))] for short, name in _HEADERS.items()
    }
    percents = {short: _numbers(found, _PERCENTAGES) for short, found in allowances.items()}
    minutes = [
        minutes
        for found in allowances.values()
        for minutes in _numbers(found, ("estimated_time_to_regain_access",))
    ]
    wait_min = min(max(0, *minutes), _LONGEST_WAIT_MIN) if minutes else 0
    fullest = {short: max(numbers) for short, numbers in percents.items() if numbers}
    return Usage(fullest, wait_min * 60 or None)


def _allowances(header: str) -> Iterator[dict[str, Any]]:
    try:
        content = msgspec.json.decode(header, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return
    yield content
    # By use case: {"<page id>": [{"type": "messenger", "call_count": 1, …}]}
    for value in content.values():
        if isinstance(value, list):
            yield from (item for item in value if isinstance(item, dict))


def _numbers(allowances: Iterable[dict[str, Any]], names: Iterable[str]) -> list[int]:
    found = [allowance.get(name) for allowance in allowances for name in names]
    return [int(value) for value in found if isinstance(value, int | float)]
