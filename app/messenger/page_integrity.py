"""The standing of a page at Meta: violations, and restrictions that keep it from messaging.

Meta tells it by the webhook field business_integrity and by `GET /{page}/page_status`, in one
form: https://developers.facebook.com/documentation/pages-api/integrity-webhook (6 July 2026). Its
examples differ in one point: an event's restrictions stand in the event, or beside all of them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec

from app.messenger.lenient_json import NotJson, read_json
from app.messenger.types import PageId

# restricted: the page cannot send, or is not there; lifted: it can again; warned: it may be next.
Standing: TypeAlias = Literal["restricted", "warned", "lifted", "other"]
# Without any of these nobody can be sent Log In, or there is no chat.
_NEEDED: Final = frozenset({"page_messaging", "page_messaging_api", "page_publish"})
_RESTRICTED: Final = frozenset({"restricted", "suspended"})
_OF_EVENTS: Final = ("violations", "restrictions", "action_events")
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_BODY: Final = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class PageIntegrity:
    """The standing of a page, in Meta's names: they are few, and hold nothing of anybody."""

    page_id: PageId
    standing: Standing
    # ok, warning, restricted or suspended; empty if Meta says none.
    status: str
    # What the page may not do, or may again.
    features: tuple[str, ...]
    violations: tuple[str, ...]
    # The end of the last restriction; None if it has none, or Meta names none.
    until: datetime | None


def read_events(body: bytes) -> tuple[PageIntegrity, ...]:
    """Return the events of business_integrity in *body*, a signed delivery for pages."""
    try:
        content = read_json(_BODY, body)
    except (NotJson, msgspec.ValidationError):
        return ()
    return tuple(_events(content)) if content.get("object") == "page" else ()


def read_status(page_id: PageId, answer: Mapping[str, Any]) -> PageIntegrity:
    """Return the standing in *answer*, Graph's to `page_status`."""
    return _integrity(page_id, answer, _maps(answer.get("restrictions")))


def _events(content: Mapping[str, Any]) -> Iterator[PageIntegrity]:
    for entry in _maps(content.get("entry")):
        page_id = entry.get("id")
        # Beside the events they are all of them's: there is one in each entry of Meta's examples.
        beside = _maps(entry.get("restrictions"))
        for event in _maps(entry.get("messaging")):
            is_one = "status" in event or any(name in event for name in _OF_EVENTS)
            if isinstance(page_id, str) and is_one and not event.keys() & {"sender", "recipient"}:
                restrictions = [*_maps(event.get("restrictions")), *beside]
                yield _integrity(PageId(page_id), event, restrictions)


def _integrity(
    page_id: PageId, told: Mapping[str, Any], restrictions: list[Mapping[str, Any]]
) -> PageIntegrity:
    status = next(_names([told.get("status")]), "")
    violations = tuple(_names(each.get("type") for each in _maps(told.get("violations"))))
    # Graph's answer lists those in force, and leaves their status out.
    held = [each for each in restrictions if each.get("status") != "UNRESTRICTED"]
    return PageIntegrity(
        page_id=page_id,
        standing=_standing(told, restrictions, held, status),
        status=status,
        features=_features(held or restrictions),
        violations=violations,
        until=max(filter(None, map(_end, held)), default=None),
    )


def _standing(
    told: Mapping[str, Any],
    restrictions: list[Mapping[str, Any]],
    held: list[Mapping[str, Any]],
    status: str,
) -> Standing:
    if not _NEEDED.isdisjoint(_features(held)):
        return "restricted"
    if not _NEEDED.isdisjoint(_features(restrictions)):
        return "lifted"
    if "action_events" in told and not told.get("violations"):
        # An appeal was made, or decided: that alone changes nothing.
        return "other"
    if status in _RESTRICTED:
        return "restricted"
    if status == "warning" or told.get("violations") or held:
        return "warned"
    return "lifted" if status == "ok" else "other"


def _features(restrictions: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(_names(each.get("feature") for each in restrictions))


def _end(restriction: Mapping[str, Any]) -> datetime | None:
    seconds = restriction.get("expiration_time")
    try:
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
    except (OverflowError, ValueError, OSError):
        return None


def _names(values: Iterable[object]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str) and _NAME.fullmatch(value))


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
