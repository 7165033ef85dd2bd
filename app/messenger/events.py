"""Webhook events: the body of a delivery, read into one value for each event in it.

What cannot be read is a value too (`Unusable`, `Other`), so that one bad event does not keep the
others of its delivery from being handled.

To add an event: a class in `Event`, its key in `_Event`, and a branch of `_events` that calls a
reader like `_account_linking`. Its handler is a row of `app.linking.handlers`.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder

from app.messenger.errors import BadPayload
from app.messenger.lenient_json import NotJson, read_json
from app.messenger.types import PageId, Psid

T = TypeVar("T")

OtherKind = Literal["event", "changes", "foreign object", "unrecognised"]
Fault = Literal["foreign object", "unreadable", "status", "page", "psid", "time", "no code", "code"]


@dataclass(frozen=True, slots=True)
class AccountLinked:
    """A person completed the login flow: Messenger returns the code and names the person."""

    page_id: PageId
    psid: Psid
    event_at: datetime
    authorization_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountUnlinked:
    """A person logged out in Messenger. A code is not documented here; one that comes is burnt."""

    page_id: PageId
    psid: Psid
    event_at: datetime
    authorization_code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Unusable:
    """An account_linking event that cannot be acted on; a code in it is burnt, having been exposed.

    *reason* is one of few, fit to label a counter.
    """

    authorization_code: str | None = field(repr=False)
    reason: Fault


@dataclass(frozen=True, slots=True)
class Other:
    """Any other event: it concerns the bot, or no one."""

    kind: OtherKind


Event: TypeAlias = AccountLinked | AccountUnlinked | Unusable | Other


@dataclass(frozen=True, slots=True)
class Delivery:
    """The body of one webhook request."""

    object: str
    events: tuple[Event, ...]
    body: bytes = field(repr=False)
    entry_ids: tuple[Raw, ...] = field(repr=False)
    # Whether an event is no person's: it may be about the page's standing at Meta.
    has_event_of_nobody: bool = False

    @property
    def page_id(self) -> str | None:
        """The id of the Page that all of the body is about; None if it is about several, or none.

        Of digits alone, as Meta's are.
        """
        ids = {_read(_TEXT, entry_id) for entry_id in self.entry_ids}
        (only, *more) = ids or {None}
        is_one = self.object == "page" and not more
        return only if is_one and _DIGITS.fullmatch(only or "") else None

    @property
    def is_only_linking(self) -> bool:
        """Tell whether the body holds account_linking events and nothing else.

        A key that is unknown here counts as something else: it may be news to the bot.
        """
        return (
            bool(self.events)
            and self.object == "page"
            and not any(isinstance(event, Other) for event in self.events)
            and _has_only_known_keys(self.body)
        )


# A Raw accepts any JSON, so that a wrong type spoils its own event and no other.
class _Event(Struct, gc=False):
    sender: Raw = Raw()
    recipient: Raw = Raw()
    timestamp: Raw = Raw()
    account_linking: Raw = Raw()


class _Entry(Struct, gc=False):
    id: Raw = Raw()
    messaging: list[_Event | None] = []
    standby: list[_Event | None] = []
    changes: Raw = Raw()


class _Body(Struct):
    object: str
    entry: list[_Entry | None]


# The same for a body that has no other key.
class _OnlyEvent(_Event, forbid_unknown_fields=True):
    pass


class _OnlyEntry(Struct, forbid_unknown_fields=True):
    id: Raw = Raw()
    time: Raw = Raw()
    messaging: list[_OnlyEvent] = []
    standby: list[_OnlyEvent] = []


class _OnlyBody(Struct, forbid_unknown_fields=True):
    object: str
    entry: list[_OnlyEntry]


class _Party(Struct):
    # Opaque text, within what a database column holds and a log line shows.
    id: Annotated[str, Meta(pattern=r"\A[!-~]{1,64}\Z")]


_BODY: Final = Decoder(_Body)
_EVENT: Final = Decoder(_Event)
_ONLY_BODY: Final = Decoder(_OnlyBody)
_PARTY: Final = Decoder(_Party)
_OBJECT: Final = Decoder(dict[str, Raw])
_LIST: Final = Decoder(list[Raw])
_TEXT: Final = Decoder(str)
_CODE: Final = Decoder(Annotated[str, Meta(min_length=1, max_length=512)])
_DIGITS: Final = re.compile(r"[0-9]{1,64}")
_ABSENT: Final = Raw()
_UNRECOGNISED: Final = Other("unrecognised")

# Meta's example counts seconds, live traffic milliseconds. 10^11 seconds, like 10^14 milliseconds,
# is the year 5138.
_TIMESTAMP: Final = Decoder(Annotated[int, Meta(gt=0, lt=10**14)])
_SECONDS_BELOW: Final = 10**11
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_delivery(body: bytes) -> Delivery:
    """Return the delivery in *body*, with its events in their order.

    The signature of *body* has been checked before.

    Raises:
        BadPayload: *body* is not a JSON object, or is nested too deeply.
    """
    try:
        content = _read_body(body)
    except (NotJson, msgspec.ValidationError) as exc:
        raise BadPayload("no JSON object") from exc
    events, of_nobody = _events(content)
    ids = tuple(_ABSENT if entry is None else entry.id for entry in content.entry)
    return Delivery(content.object, events, body, ids, of_nobody)


def _read_body(body: bytes) -> _Body:
    try:
        return read_json(_BODY, body)
    except msgspec.ValidationError:
        # Something in it is of a wrong type: read piece by piece, which takes twice the time.
        content = read_json(_OBJECT, body)
        entries = _read(_LIST, content.get("entry", _ABSENT))
        return _Body(
            _read(_TEXT, content.get("object", _ABSENT)) or "",
            [None] if entries is None else [_read_entry(entry) for entry in entries],
        )


def _read_entry(raw: Raw) -> _Entry | None:
    entry = _read(_OBJECT, raw)
    if entry is None:
        return None
    return _Entry(
        entry.get("id", _ABSENT),
        _read_events(entry.get("messaging", _ABSENT)),
        _read_events(entry.get("standby", _ABSENT)),
        entry.get("changes", _ABSENT),
    )


def _read_events(raw: Raw) -> list[_Event | None]:
    if not raw:
        return []
    events = _read(_LIST, raw)
    return [None] if events is None else [_read(_EVENT, event) for event in events]


def _has_only_known_keys(body: bytes) -> bool:
    try:
        read_json(_ONLY_BODY, body)
    except (NotJson, msgspec.ValidationError):
        return False
    return True


def _events(content: _Body) -> tuple[tuple[Event, ...], bool]:
    other = Other("event" if content.object == "page" else "foreign object")
    events: list[Event] = []
    of_nobody = False
    for entry in content.entry:
        if entry is None:
            events.append(_UNRECOGNISED)
            continue
        for event in entry.messaging + entry.standby:
            if event is None:
                events.append(_UNRECOGNISED)
            elif event.account_linking:
                events.append(_account_linking(content, entry, event))
            else:
                events.append(other)
                of_nobody = of_nobody or not event.sender
        if entry.changes:
            events.append(Other("changes"))
        elif not entry.messaging and not entry.standby:
            events.append(_UNRECOGNISED)
    return tuple(events), of_nobody


class _Invalid(Exception):
    """A part of an account_linking event is missing or wrong."""

    def __init__(self, reason: Fault) -> None:
        super().__init__(reason)
        self.reason = reason


def _account_linking(content: _Body, entry: _Entry, event: _Event) -> Event:
    linking = _read(_OBJECT, event.account_linking)
    if linking is None:
        return Unusable(None, "unreadable")
    code = _read(_CODE, linking.get("authorization_code", _ABSENT))
    if content.object != "page":
        return Unusable(code, "foreign object")
    try:
        return _linked_or_unlinked(entry, event, linking, code)
    except _Invalid as exc:
        return Unusable(code, exc.reason)


def _linked_or_unlinked(
    entry: _Entry, event: _Event, linking: dict[str, Raw], code: str | None
) -> AccountLinked | AccountUnlinked:
    status = _read(_TEXT, linking.get("status", _ABSENT))
    if status not in {"linked", "unlinked"}:
        raise _Invalid("status")
    page = _read(_PARTY, event.recipient)
    if page is None or page.id != _read(_TEXT, entry.id):
        raise _Invalid("page")
    person = _read(_PARTY, event.sender)
    if person is None:
        raise _Invalid("psid")
    event_at = _event_time(event.timestamp)
    if status == "unlinked":
        return AccountUnlinked(PageId(page.id), Psid(person.id), event_at, code)
    if code is None:
        raise _Invalid("code" if "authorization_code" in linking else "no code")
    return AccountLinked(PageId(page.id), Psid(person.id), event_at, code)


def _event_time(raw: Raw) -> datetime:
    timestamp = _read(_TIMESTAMP, raw)
    if timestamp is None:
        raise _Invalid("time")
    is_in_seconds = timestamp < _SECONDS_BELOW
    return _EPOCH + timedelta(milliseconds=timestamp * (1000 if is_in_seconds else 1))


def _read(decoder: Decoder[T], raw: Raw) -> T | None:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
