"""The choice of a language by what a browser asks for (RFC 9110, 12.5.4; RFC 4647, 3.4)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

# A header of browsers has some 40 characters; a longer one is not looked at.
MOST_HEADER: Final = 200
_RANGE: Final = re.compile(
    r"[ \t]*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)[ \t]*"
    r"(?:;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?"
)
# Older names of languages, and regions that stand for a script or the only variant that we have.
_ALIASES: Final = {
    "zh-tw": "zh-hant",
    "zh-hk": "zh-hant",
    "zh-mo": "zh-hant",
    "zh": "zh-hans",
    "pt": "pt-br",
    "tl": "fil",
    "in": "id",
    "iw": "he",
}


def choose(header: str, offered: Sequence[str]) -> str:
    """Return the one of *offered* that *header*, an Accept-Language, asks for; else the first."""
    if len(offered) == 1:
        return offered[0]
    by_lower = {name.lower(): name for name in offered}
    # Sorted is stable: of equal weights the first comes first.
    ranges = sorted(_ranges(header), key=lambda each: -each[0])
    refused = {_named(wanted, by_lower) for weight, wanted in ranges if not weight}
    for weight, wanted in ranges:
        name = _match(wanted, by_lower) if weight else None
        if name is not None and name not in refused:
            return name
    return next((name for name in offered if name not in refused), offered[0])


def _ranges(header: str) -> Iterator[tuple[float, str]]:
    if len(header) > MOST_HEADER:
        return
    for part in header.split(","):
        if found := _RANGE.fullmatch(part):
            yield float(found[2] or 1), found[1].lower()


def _match(wanted: str, by_lower: Mapping[str, str]) -> str | None:
    """Return the offered language for *wanted*, or for *wanted* without its last parts."""
    while wanted:
        if name := _named(wanted, by_lower):
            return name
        wanted = wanted.rpartition("-")[0]
    return None


def _named(wanted: str, by_lower: Mapping[str, str]) -> str | None:
    return by_lower.get(wanted) or by_lower.get(_ALIASES.get(wanted, ""))
