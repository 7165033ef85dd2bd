"""How much of its allowance a Page has used, from the headers of an answer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

# developers.facebook.com/docs/graph-api/overview/rate-limiting: percentages; X-Page-Usage is the
# older form for Pages.
_HEADERS: Final = ("X-App-Usage", "X-Page-Usage", "X-Business-Use-Case-Usage")
_PERCENTAGES: Final = ("call_count", "total_cputime", "total_time")
_LONGEST_WAIT_MIN: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Usage:
    """The fullest of the allowances, in percent, and how long Graph says to wait."""

    percent: int | None = None
    wait_s: int | None = None


def read_usage(headers: Mapping[str, str]) -> Usage:
    """Return what *headers* say about allowances; what cannot be read is as if it were absent."""
    allowances = [found for name in _HEADERS for found in _allowances(headers.get(name, "{}"))]
    percents = _numbers(allowances, _PERCENTAGES)
    minutes = _numbers(allowances, ("estimated_time_to_regain_access",))
    wait_min = min(max(minutes, default=0), _LONGEST_WAIT_MIN)
    return Usage(max(percents, default=None), wait_min * 60 or None)


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
