"""The shapes of a delivery's body, read leniently: a wrong type spoils its own event and no other.

`app.messenger.events` makes values of them. What an event holds stays undecoded until it is known
to concern us.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder

from app.messenger.lenient_json import NotJson, read_json
from app.messenger.types import PageId, Psid

T = TypeVar("T")

Fault = Literal[
    "foreign object",
    "unreadable",
    "status",
    "page",
    "psid",
    "time",
    "no code",
    "code",
    "standby",
    "echo",
]


# A Raw accepts any JSON.
class RawEvent(Struct, gc=False):
    """An event, with the parts of it that account linking needs."""

    sender: Raw = Raw()
    recipient: Raw = Raw()
    timestamp: Raw = Raw()
    account_linking: Raw = Raw()


class FullEvent(RawEvent, gc=False):
    """An event of a delivery that may concern an invitation, with the parts that may name it."""

    message: Raw = Raw()
    postback: Raw = Raw()
    referral: Raw = Raw()


class RawEntry(Struct, gc=False):
    """The events of one Page."""

    id: Raw = Raw()
    messaging: Sequence[RawEvent | None] = []
    standby: Sequence[RawEvent | None] = []
    changes: Raw = Raw()


class FullEntry(RawEntry, gc=False):
    """The same, of full events."""

    messaging: Sequence[FullEvent | None] = []
    standby: Sequence[FullEvent | None] = []


class RawBody(Struct):
    """The body of a delivery."""

    object: str
    entry: Sequence[RawEntry | None]


class FullBody(RawBody):
    """The same, of full events."""

    entry: Sequence[FullEntry | None]


# The same for a body that has no other key.
class _OnlyEvent(RawEvent, forbid_unknown_fields=True):
    pass


class _OnlyEntry(Struct, forbid_unknown_fields=True):
    id: Raw = Raw()
    time: Raw = Raw()
    messaging: list[_OnlyEvent] = []
    standby: list[_OnlyEvent] = []


class _OnlyBody(Struct, forbid_unknown_fields=True):
    object: str
    entry: list[_OnlyEntry]


class Party(Struct):
    """A sender or recipient."""

    # Opaque text, within what a database column holds and a log line shows.
    id: Annotated[str, Meta(pattern=r"\A[!-~]{1,64}\Z")]


TEXT: Final = Decoder(str)
OBJECT: Final = Decoder(dict[str, Raw])
ABSENT: Final = Raw()
PARTY: Final = Decoder(Party)
_BODY: Final = Decoder(RawBody)
_FULL_BODY: Final = Decoder(FullBody)
_EVENT: Final = Decoder(RawEvent)
_FULL_EVENT: Final = Decoder(FullEvent)
_ONLY_BODY: Final = Decoder(_OnlyBody)
_LIST: Final = Decoder(list[Raw])

# Meta's example counts seconds, live traffic milliseconds. 10^11 seconds, like 10^14 milliseconds,
# is the year 5138.
_TIMESTAMP: Final = Decoder(Annotated[int, Meta(gt=0, lt=10**14)])
_SECONDS_BELOW: Final = 10**11
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Invalid(Exception):
    """A part of an event is missing or wrong."""

    def __init__(self, reason: Fault) -> None:
        super().__init__(reason)
        self.reason = reason


def read_body(body: bytes, *, is_full: bool) -> RawBody:
    """Return *body*, of full events if it *is_full*.

    Raises:
        NotJson: It is not JSON, or is nested too deeply.
        msgspec.ValidationError: It is not an object.
    """
    try:
        return read_json(_FULL_BODY, body) if is_full else read_json(_BODY, body)
    except msgspec.ValidationError:
        # Something in it is of a wrong type: read piece by piece, which takes twice the time.
        content = read_json(OBJECT, body)
        entries = read(_LIST, content.get("entry", ABSENT))
        return RawBody(
            read(TEXT, content.get("object", ABSENT)) or "",
            [None]
            if entries is None
            else [_read_entry(entry, is_full=is_full) for entry in entries],
        )


def has_only_known_keys(body: bytes) -> bool:
    """Return whether *body* has no key but those of account linking."""
    try:
        read_json(_ONLY_BODY, body)
    except (NotJson, msgspec.ValidationError):
        return False
    return True


def whose(entry: RawEntry, event: RawEvent) -> tuple[PageId, Psid]:
    """Return the page and the person of *event*.

    Raises:
        Invalid: The page is not that of its entry, or the person has no id.
    """
    page = read(PARTY, event.recipient)
    if page is None or page.id != read(TEXT, entry.id):
        raise Invalid("page")
    person = read(PARTY, event.sender)
    if person is None:
        raise Invalid("psid")
    return PageId(page.id), Psid(person.id)


def event_time(raw: Raw) -> datetime:
    """Return the time of an event, in seconds or milliseconds.

    Raises:
        Invalid: It is no such number.
    """
    timestamp = read(_TIMESTAMP, raw)
    if timestamp is None:
        raise Invalid("time")
    is_in_seconds = timestamp < _SECONDS_BELOW
    return _EPOCH + timedelta(milliseconds=timestamp * (1000 if is_in_seconds else 1))


def read(decoder: Decoder[T], raw: Raw) -> T | None:
    """Return *raw* as *decoder* decodes it, None where it cannot."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def _read_entry(raw: Raw, *, is_full: bool) -> RawEntry | None:
    entry = read(OBJECT, raw)
    if entry is None:
        return None
    return RawEntry(
        entry.get("id", ABSENT),
        _read_events(entry.get("messaging", ABSENT), is_full=is_full),
        _read_events(entry.get("standby", ABSENT), is_full=is_full),
        entry.get("changes", ABSENT),
    )


def _read_events(raw: Raw, *, is_full: bool) -> Sequence[RawEvent | None]:
    if not raw:
        return []
    events = read(_LIST, raw)
    if events is None:
        return [None]
    return [read(_FULL_EVENT, event) if is_full else read(_EVENT, event) for event in events]
