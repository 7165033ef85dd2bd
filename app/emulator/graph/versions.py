"""The Graph versions and the days on which they expire.

https://developers.facebook.com/docs/graph-api/changelog/versions, read November 2026; v27.0:
https://developers.facebook.com/blog/post/2026/11/04/introducing-graph-api-v27-and-marketing-api-v27/.
A version ends two years after its successor came.
"""

import re
from datetime import UTC, datetime

_NEVER = datetime.max.replace(tzinfo=UTC)

# Each version with the day from which the oldest usable version answers in its place.
_EXPIRES = {
    (18, 0): datetime(2026, 1, 26, tzinfo=UTC),
    (19, 0): datetime(2026, 5, 21, tzinfo=UTC),
    (20, 0): datetime(2026, 9, 24, tzinfo=UTC),
    (21, 0): datetime(2027, 1, 21, tzinfo=UTC),
    (22, 0): datetime(2027, 5, 20, tzinfo=UTC),
    (23, 0): datetime(2027, 10, 8, tzinfo=UTC),
    (24, 0): datetime(2028, 2, 18, tzinfo=UTC),
    (25, 0): datetime(2028, 7, 29, tzinfo=UTC),
    (26, 0): datetime(2028, 11, 4, tzinfo=UTC),
    (27, 0): _NEVER,
}
_VERSION = re.compile(r"v([1-9]\d{0,2})\.(\d{1,2})")


def split_version(path: str) -> tuple[str | None, str]:
    """Return the version at the start of *path*, if any, and the rest of the path."""
    first, _, rest = path.partition("/")
    return (first, rest) if _VERSION.fullmatch(first) else (None, path)


def version_serving(requested: str | None, at: datetime) -> str | None:
    """Return the version that answers a call for *requested*; None if it does not exist."""
    oldest = min(number for number, expires in _EXPIRES.items() if at < expires)
    match = _VERSION.fullmatch(requested or "")
    number = (int(match[1]), int(match[2])) if match else oldest
    if number > max(_EXPIRES):
        return None
    served = number if at < _EXPIRES.get(number, at) else oldest
    return f"v{served[0]}.{served[1]}"
