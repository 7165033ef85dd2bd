"""What Messenger tells us by webhook: one delivery, every event in it.

What cannot be read is a value too (`Unusable`, `Other`): one bad event among a thousand must not
keep the others from their due.
"""

from collections.abc import Iterator
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
    """Messenger brings a code back, and says whose browser carried it."""

    page_id: PageId
    psid: Psid
    event_at: datetime
    authorization_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountUnlinked:
    """The person has logged out in Messenger; a code has no place here, and is burnt."""

    page_id: PageId
    psid: Psid
    event_at: datetime
    authorization_code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Unusable:
    """An account_linking event nobody can act on; whoever gets it burns the code it holds.

    *reason* is one of few, fit to label a counter.
    """

    authorization_code: str | None = field(repr=False)
    reason: Fault


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else that Meta posts: the bot's, or nobody's."""

    kind: OtherKind


Event: TypeAlias = AccountLinked | AccountUnlinked | Unusable | Other


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body that Messenger posted.

    *is_only_linking* tells that it holds account_linking events and nothing else at all.
    """

    object: str
    events: tuple[Event, ...]
    is_only_linking: bool


# A Raw takes any JSON, so that a wrong type spoils its own event and no other.
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


# The same for a body that holds something of a wrong type; to read it takes twice the time.
class _LooseEntry(Struct):
    id: Raw = Raw()
    messaging: Raw = Raw()
    standby: Raw = Raw()
    changes: Raw = Raw()


class _LooseBody(Struct):
    object: Raw = Raw()
    entry: Raw = Raw()


# The same again, and not a key more.
class _OnlyEvent(Struct, forbid_unknown_fields=True):
    account_linking: Raw
    sender: Raw = Raw()
    recipient: Raw = Raw()
    timestamp: Raw = Raw()


class _OnlyEntry(Struct, forbid_unknown_fields=True):
    id: Raw = Raw()
    time: Raw = Raw()
    messaging: list[_OnlyEvent] = []
    standby: list[_OnlyEvent] = []


class _OnlyBody(Struct, forbid_unknown_fields=True):
    object: Literal["page"]
    entry: list[_OnlyEntry]


class _Linking(Struct):
    status: Raw = Raw()
    authorization_code: Raw = Raw()


class _Party(Struct):
    # Opaque text, as far as a column holds it and a log line shows it.
    id: Annotated[str, Meta(pattern=r"\A[!-~]{1,64}\Z")]


_BODY: Final = Decoder(_Body)
_LOOSE_BODY: Final = Decoder(_LooseBody)
_LOOSE_ENTRY: Final = Decoder(_LooseEntry)
_ONLY_BODY: Final = Decoder(_OnlyBody)
_EVENT: Final = Decoder(_Event)
_LIST: Final = Decoder(list[Raw])
_LINKING: Final = Decoder(_Linking)
_PARTY: Final = Decoder(_Party)
_TEXT: Final = Decoder(str)
_CODE: Final = Decoder(Annotated[str, Meta(min_length=1, max_length=512)])

# The documentation's example counts seconds, live traffic milliseconds. 10^11 seconds, like 10^14
# milliseconds, is the year 5138.
_TIMESTAMP: Final = Decoder(Annotated[int, Meta(gt=0, lt=10**14)])
_SECONDS_BELOW: Final = 10**11
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_delivery(body: bytes) -> Delivery:
    """Return what the signed *body* holds, its events in their order.

    Raises:
        BadPayload: It is no JSON object, or too deep to be read.
    """
    try:
        content = _read_body(body)
        events = tuple(_events(content))
        is_only_linking = not any(isinstance(event, Other) for event in events)
        # A key that we do not know may be something that the bot does.
        is_only_linking = is_only_linking and _holds_only_linking(body)
    except (NotJson, msgspec.ValidationError) as exc:
        raise BadPayload("no JSON object") from exc
    return Delivery(content.object, events, is_only_linking)


def _read_body(body: bytes) -> _Body:
    try:
        return read_json(_BODY, body)
    except msgspec.ValidationError:
        loose = read_json(_LOOSE_BODY, body)
        entries = _read(_LIST, loose.entry)
        return _Body(
            _read(_TEXT, loose.object) or "",
            [None] if entries is None else [_loose_entry(entry) for entry in entries],
        )


def _loose_entry(raw: Raw) -> _Entry | None:
    loose = _read(_LOOSE_ENTRY, raw)
    if loose is None:
        return None
    return _Entry(
        loose.id, _loose_events(loose.messaging), _loose_events(loose.standby), loose.changes
    )


def _loose_events(raw: Raw) -> list[_Event | None]:
    if not raw:
        return []
    events = _read(_LIST, raw)
    return [None] if events is None else [_read(_EVENT, event) for event in events]


def _holds_only_linking(body: bytes) -> bool:
    try:
        return any(entry.messaging or entry.standby for entry in read_json(_ONLY_BODY, body).entry)
    except msgspec.ValidationError:
        return False


def _events(content: _Body) -> Iterator[Event]:
    is_page = content.object == "page"
    other = Other("event" if is_page else "foreign object")
    for entry in content.entry:
        if entry is None:
            yield Other("unrecognised")
            continue
        for event in (*entry.messaging, *entry.standby):
            if event is None:
                yield Other("unrecognised")
            elif event.account_linking:
                yield _linking_event(entry, event, is_page=is_page)
            else:
                yield other
        if entry.changes:
            yield Other("changes")
        elif not entry.messaging and not entry.standby:
            yield Other("unrecognised")


def _linking_event(entry: _Entry, event: _Event, *, is_page: bool) -> Event:
    linking = _read(_LINKING, event.account_linking)
    if linking is None:
        return Unusable(None, "unreadable")
    code = _read(_CODE, linking.authorization_code)
    if not is_page:
        return Unusable(code, "foreign object")
    try:
        return _understood(entry, event, linking, code)
    except _Spoilt as exc:
        return Unusable(code, exc.reason)


class _Spoilt(Exception):
    """Something about an account_linking event is not as it must be."""

    def __init__(self, reason: Fault) -> None:
        super().__init__(reason)
        self.reason = reason


def _understood(
    entry: _Entry, event: _Event, linking: _Linking, code: str | None
) -> AccountLinked | AccountUnlinked:
    status = _read(_TEXT, linking.status)
    if status not in {"linked", "unlinked"}:
        raise _Spoilt("status")
    page = _read(_PARTY, event.recipient)
    if page is None or page.id != _read(_TEXT, entry.id):
        raise _Spoilt("page")
    person = _read(_PARTY, event.sender)
    if person is None:
        raise _Spoilt("psid")
    event_at = _moment(event.timestamp)
    if status == "unlinked":
        return AccountUnlinked(PageId(page.id), Psid(person.id), event_at, code)
    if code is None:
        raise _Spoilt("code" if linking.authorization_code else "no code")
    return AccountLinked(PageId(page.id), Psid(person.id), event_at, code)


def _moment(raw: Raw) -> datetime:
    timestamp = _read(_TIMESTAMP, raw)
    if timestamp is None:
        raise _Spoilt("time")
    is_in_seconds = timestamp < _SECONDS_BELOW
    return _EPOCH + timedelta(milliseconds=timestamp * (1000 if is_in_seconds else 1))


def _read(decoder: Decoder[T], raw: Raw) -> T | None:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
