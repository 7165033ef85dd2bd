"""Webhook events: the body of a delivery, read into one value for each event in it.

What cannot be read is a value too (`Unusable`, `Other`), so that one bad event does not keep the
others of its delivery from being handled.

To add an event: a class in `Event`, its key in `delivery_shapes`, and a branch of `_event` that
calls a reader like `_account_linking`. Its handler is a row of `app.linking.handlers`.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Raw
from msgspec.json import Decoder

from app.messenger.delivery_shapes import (
    ABSENT,
    OBJECT,
    TEXT,
    Fault,
    FullEvent,
    Invalid,
    RawBody,
    RawEntry,
    RawEvent,
    event_time,
    has_only_known_keys,
    read,
    read_body,
    whose,
)
from app.messenger.errors import BadPayload
from app.messenger.invitation_events import (
    Answer,
    Claim,
    Disconnect,
    InvitationEvent,
    UnusableClaim,
    invitation_event,
    may_be_ours,
)
from app.messenger.lenient_json import NotJson
from app.messenger.types import PageId, Psid

OtherKind = Literal["event", "changes", "foreign object", "unrecognised"]


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


Event: TypeAlias = AccountLinked | AccountUnlinked | Unusable | InvitationEvent | Other


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
        ids = {read(TEXT, entry_id) for entry_id in self.entry_ids}
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
            and all(isinstance(event, _LINKING) for event in self.events)
            and has_only_known_keys(self.body)
        )

    @property
    def is_only_invitations(self) -> bool:
        """Tell whether every event is one of an invitation, and says nothing else to the bot.

        Of a text that only looks like a code, whoever looks it up knows more.
        """
        return bool(self.events) and all(
            isinstance(event, _INVITATIONS) and not getattr(event, "is_for_bot", False)
            for event in self.events
        )


_CODE: Final = Decoder(Annotated[str, Meta(min_length=1, max_length=512)])
_DIGITS: Final = re.compile(r"[0-9]{1,64}")
_UNRECOGNISED: Final = Other("unrecognised")
_LINKING: Final = (AccountLinked, AccountUnlinked, Unusable)
_INVITATIONS: Final = (Answer, Claim, Disconnect, UnusableClaim)


def parse_delivery(body: bytes, *, with_invitations: bool = False) -> Delivery:
    """Return the delivery in *body*, with its events in their order.

    The signature of *body* has been checked before. Events of invitations are looked for only
    *with_invitations*.

    Raises:
        BadPayload: *body* is not a JSON object, or is nested too deeply.
    """
    # By bytes: nearly every delivery ends here, and is read as if there were no invitations.
    is_full = with_invitations and may_be_ours(body)
    try:
        content = read_body(body, is_full=is_full)
    except (NotJson, msgspec.ValidationError) as exc:
        raise BadPayload("no JSON object") from exc
    events, of_nobody = _events(content)
    ids = tuple(ABSENT if entry is None else entry.id for entry in content.entry)
    return Delivery(content.object, events, body, ids, of_nobody)


def _events(content: RawBody) -> tuple[tuple[Event, ...], bool]:
    other = Other("event" if content.object == "page" else "foreign object")
    events: list[Event] = []
    of_nobody = False
    for entry in content.entry:
        if entry is None:
            events.append(_UNRECOGNISED)
            continue
        for group, is_standby in ((entry.messaging, False), (entry.standby, True)):
            for event in group:
                if event is None:
                    events.append(_UNRECOGNISED)
                elif event.account_linking:
                    events.append(_account_linking(content, entry, event))
                else:
                    events.append(_ours(content, entry, event, is_standby) or other)
                    of_nobody = of_nobody or not event.sender
        if entry.changes:
            events.append(Other("changes"))
        elif not entry.messaging and not entry.standby:
            events.append(_UNRECOGNISED)
    return tuple(events), of_nobody


def _ours(
    content: RawBody,
    entry: RawEntry,
    event: RawEvent,
    is_standby: bool,  # noqa: FBT001 - called for each event of large deliveries
) -> InvitationEvent | None:
    if not isinstance(event, FullEvent):
        return None
    is_of_page = content.object == "page"
    return invitation_event(entry, event, is_of_page=is_of_page, is_standby=is_standby)


def _account_linking(content: RawBody, entry: RawEntry, event: RawEvent) -> Event:
    linking = read(OBJECT, event.account_linking)
    if linking is None:
        return Unusable(None, "unreadable")
    code = read(_CODE, linking.get("authorization_code", ABSENT))
    if content.object != "page":
        return Unusable(code, "foreign object")
    try:
        return _linked_or_unlinked(entry, event, linking, code)
    except Invalid as exc:
        return Unusable(code, exc.reason)


def _linked_or_unlinked(
    entry: RawEntry, event: RawEvent, linking: dict[str, Raw], code: str | None
) -> AccountLinked | AccountUnlinked:
    status = read(TEXT, linking.get("status", ABSENT))
    if status not in {"linked", "unlinked"}:
        raise Invalid("status")
    page_id, psid = whose(entry, event)
    event_at = event_time(event.timestamp)
    if status == "unlinked":
        return AccountUnlinked(page_id, psid, event_at, code)
    if code is None:
        raise Invalid("code" if "authorization_code" in linking else "no code")
    return AccountLinked(page_id, psid, event_at, code)
