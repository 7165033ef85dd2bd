import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messenger.errors import BadPayload
from app.messenger.events import (
    AccountLinked,
    AccountUnlinked,
    Delivery,
    Event,
    Other,
    Unusable,
    parse_delivery,
)
from app.messenger.types import PageId, Psid

SAMPLES = Path(__file__).parents[1] / "samples" / "webhook"
PAGE = PageId("1717527131834678")
BEN = Psid("1256217357730577")
SENT_AT = datetime(2016, 10, 8, 16, 5, 21, 741000, UTC)
LINKED = AccountLinked(PAGE, BEN, SENT_AT, "PASS_THROUGH")
UNLINKED = AccountUnlinked(PAGE, BEN, SENT_AT)
MESSAGE = {"mid": "m_1", "text": "hello"}


def event(**change: Any) -> dict[str, Any]:
    """Return the documented event with some of it changed, or left out where ``...`` is given."""
    documented = {
        "sender": {"id": BEN},
        "recipient": {"id": PAGE},
        "timestamp": 1475942721741,
        "account_linking": {"status": "linked", "authorization_code": "PASS_THROUGH"},
    }
    changed = documented | change
    return {name: value for name, value in changed.items() if value is not ...}


def message() -> dict[str, Any]:
    return event(account_linking=..., message=MESSAGE)


def entry(*events: Any, **change: Any) -> dict[str, Any]:
    return {"id": PAGE, "time": 1475942721780, "messaging": list(events)} | change


def parse(*entries: Any, **change: Any) -> Delivery:
    body = {"object": "page", "entry": list(entries)} | change
    return parse_delivery(json.dumps(body).encode())


def parsed(*events: Any) -> tuple[Event, ...]:
    return parse(entry(*events)).events


@pytest.mark.parametrize(
    ("sample", "events"),
    [
        ("linked.json", (LINKED,)),
        ("unlinked.json", (UNLINKED,)),
        ("standby.json", (UNLINKED,)),
        ("message.json", (Other("event"),)),
        ("changes.json", (Other("changes"),)),
        ("linked-escaped.json", (AccountLinked(PAGE, BEN, SENT_AT, "a/b@c%d<eäöå😀"),)),
    ],
)
def test_a_documented_delivery_is_understood(sample: str, events: tuple[Event, ...]) -> None:
    assert events == parse_delivery((SAMPLES / sample).read_bytes()).events


def test_every_event_of_every_entry_is_returned_in_order() -> None:
    """
    R47: public servers look at the first event of the first entry.
    """
    unlinked = event(account_linking={"status": "unlinked"})

    delivery = parse(
        entry(event(), message()), entry(changes=[1]), entry(unlinked, standby=[event()])
    )

    expected = (LINKED, Other("event"), Other("changes"), UNLINKED, LINKED)
    assert expected == delivery.events


def test_a_thousand_events_are_all_returned() -> None:
    """
    R47: Graph webhooks are documented to batch up to a thousand.
    """
    delivery = parse(*[entry(message()) for _ in range(999)], entry(event()))

    assert 1000 == len(delivery.events)
    assert LINKED == delivery.events[-1]


@pytest.mark.parametrize(
    "bad",
    [None, 1, "x", [], [[]], True, {}, {"sender": None}, {"account_linking": None}],
    ids=repr,
)
def test_a_bad_event_does_not_block_the_others(bad: Any) -> None:
    """
    R47: one bad event among others is counted, and the others are acted on.
    """
    first, middle, last = parsed(event(), bad, event())

    assert (LINKED, LINKED) == (first, last)
    assert isinstance(middle, Other | Unusable)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        1,
        "x",
        [],
        {},
        {"id": PAGE},
        {"messaging": None},
        {"messaging": {}},
        {"messaging": "x", "standby": 1},
        {"standby": [1]},
    ],
    ids=repr,
)
def test_a_bad_entry_does_not_block_the_others(bad: Any) -> None:
    """
    R47: one bad entry never blocks a batch.
    """
    events = parse(entry(event()), bad, entry(event())).events

    assert (LINKED, LINKED) == (events[0], events[-1])
    assert {Other("unrecognised")} == set(events[1:-1])


@pytest.mark.parametrize("wrong", [{}, {"entry": []}, {"object": "page"}, {"object": 1}], ids=repr)
def test_an_object_without_events_is_a_delivery(wrong: Any) -> None:
    """
    R47: what is signed and JSON is answered 200; a 4xx would count against the subscription.
    """
    delivery = parse_delivery(json.dumps(wrong).encode())

    assert {Other("unrecognised")} >= set(delivery.events)
    assert not delivery.is_only_linking


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"page"',
        b"1",
        b"{",
        b'{"object":"page","entry":[NaN]}',
        b'{"object":"page","entry":[{"messaging":[{"message":{"x":Infinity}}]}]}',
        b'{"object":"page","entry":[{"id":"\xff"}]}',
        b'{"object":1,"entry":[],"x":nul}',
        b'{"object":"page","entry":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"object":"page","x":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b"object=page&entry=",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_a_body_that_is_not_a_json_object_is_refused(body: bytes) -> None:
    """
    R46: and never an error of another kind, which would be a 500.
    """
    with pytest.raises(BadPayload):
        parse_delivery(body)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_delivery_or_refused(body: bytes) -> None:
    """
    R46: a signed body never ends in a 500.
    """
    with suppress(BadPayload):
        assert isinstance(parse_delivery(body), Delivery)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: JSON | st.just(value)
            for name, value in event().items()
            if name != "account_linking"
        }
        | {
            "account_linking": JSON
            | st.fixed_dictionaries(
                {},
                optional={
                    "status": JSON | st.sampled_from(["linked", "unlinked"]),
                    "authorization_code": JSON,
                },
            )
        },
    )
)
def test_any_event_leaves_the_others_intact(bad: dict[str, Any]) -> None:
    """
    R47: whatever the types inside it are.
    """
    first, _, last = parsed(event(), bad, event())

    assert (LINKED, LINKED) == (first, last)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timestamp": ...}, "time"),
        ({"timestamp": None}, "time"),
        ({"timestamp": True}, "time"),
        ({"timestamp": 1475942721741.0}, "time"),
        ({"timestamp": "1475942721741"}, "time"),
        ({"timestamp": 0}, "time"),
        ({"timestamp": -1475942721741}, "time"),
        ({"timestamp": 10**14}, "time"),
        ({"timestamp": 10**400}, "time"),
        ({"recipient": ...}, "page"),
        ({"recipient": PAGE}, "page"),
        ({"recipient": {"id": int(PAGE)}}, "page"),
        ({"recipient": {"id": "2"}}, "page"),
        ({"sender": ...}, "psid"),
        ({"sender": BEN}, "psid"),
        ({"sender": {}}, "psid"),
        ({"sender": {"user_ref": "x"}}, "psid"),
        ({"sender": {"id": int(BEN)}}, "psid"),
        ({"sender": {"id": ""}}, "psid"),
        ({"sender": {"id": "1" * 65}}, "psid"),
        ({"sender": {"id": "1\x00"}}, "psid"),
        ({"sender": {"id": "1\n"}}, "psid"),
        ({"sender": {"id": "\ud800"}}, "psid"),
    ],
    ids=repr,
)
def test_a_faulty_linked_event_is_unusable_and_keeps_its_code(
    change: dict[str, Any], reason: str
) -> None:
    """
    Whatever else is wrong with a signed event, a code of ours in it has been exposed.
    """
    assert (Unusable("PASS_THROUGH", reason),) == parsed(event(**change))  # type: ignore[arg-type]  # a Fault, in the table as text


@pytest.mark.parametrize("status", [..., None, 1, "", "LINKED", "relinked", ["linked"]], ids=repr)
def test_an_unknown_status_is_unusable_and_keeps_its_code(status: Any) -> None:
    linking = {"status": status, "authorization_code": "PASS_THROUGH"}
    linking = {name: value for name, value in linking.items() if value is not ...}

    assert (Unusable("PASS_THROUGH", "status"),) == parsed(event(account_linking=linking))


def test_an_event_of_a_foreign_object_is_unusable() -> None:
    """
    R47: only a Page has account linking; the code is burnt all the same.
    """
    delivery = parse(entry(event(), message()), object="instagram")

    assert (Unusable("PASS_THROUGH", "foreign object"), Other("foreign object")) == delivery.events
    assert not delivery.is_only_linking


@pytest.mark.parametrize("page", [..., None, int(PAGE), "2"], ids=repr)
def test_an_event_of_another_page_than_its_entry_is_unusable(page: Any) -> None:
    """
    recipient.id must equal entry.id.
    """
    one = {name: value for name, value in entry(event(), id=page).items() if value is not ...}

    assert (Unusable("PASS_THROUGH", "page"),) == parse(one).events


@pytest.mark.parametrize(
    ("linking", "reason"),
    [
        ({}, "no code"),
        ({"authorization_code": None}, "code"),
        ({"authorization_code": ""}, "code"),
        ({"authorization_code": 1234567890}, "code"),
        ({"authorization_code": ["PASS_THROUGH"]}, "code"),
        ({"authorization_code": "x" * 513}, "code"),
    ],
    ids=["absent", "null", "empty", "a number", "a list", "513 characters"],
)
def test_a_linked_event_without_a_usable_code_is_unusable(
    linking: dict[str, Any], reason: str
) -> None:
    """
    R34: ignored, with a counted reason.
    """
    events = parsed(event(account_linking={"status": "linked"} | linking))

    assert (Unusable(None, reason),) == events  # type: ignore[arg-type]  # a Fault, in the table as text


@pytest.mark.parametrize("linking", [None, 1, "linked", []], ids=repr)
def test_account_linking_of_a_wrong_type_is_unusable(linking: Any) -> None:
    assert (Unusable(None, "unreadable"),) == parsed(event(account_linking=linking))


@pytest.mark.parametrize(
    ("timestamp", "event_at"),
    [
        (1475942721741, SENT_AT),
        (1475942721, SENT_AT.replace(microsecond=0)),
        (1234567890, datetime(2009, 2, 13, 23, 31, 30, tzinfo=UTC)),
        (10**11 - 1, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (10**11, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
    ],
    ids=["milliseconds", "seconds", "documented", "last of the seconds", "first milliseconds"],
)
def test_event_time_is_read_in_seconds_or_milliseconds(timestamp: int, event_at: datetime) -> None:
    """
    Meta's documentation counts seconds where live traffic counts milliseconds.
    """
    events = parsed(event(timestamp=timestamp, account_linking={"status": "unlinked"}))

    assert (AccountUnlinked(PAGE, BEN, event_at),) == events


def test_a_code_in_a_log_out_is_returned_too() -> None:
    """Whatever is wrong with a signed event, a code of ours in it is burnt."""
    linking = {"status": "unlinked", "authorization_code": "PASS_THROUGH"}

    events = parsed(event(account_linking=linking))

    assert (AccountUnlinked(PAGE, BEN, SENT_AT, "PASS_THROUGH"),) == events
    assert "PASS_THROUGH" not in repr(events)


def test_half_an_emoji_in_a_message_spoils_no_event() -> None:
    """
    R48: msgspec refuses the whole body for it, which would lose the events beside it.
    """
    body = {"object": "page", "entry": [entry(event()), entry(event(message={"text": "\ud83d"}))]}

    delivery = parse_delivery(json.dumps(body).encode())

    assert (LINKED, LINKED) == delivery.events


def test_an_escaped_key_is_recognised() -> None:
    """
    A search for the bytes of "account_linking" in the body would miss it.
    """
    body = (
        (SAMPLES / "linked.json").read_bytes().replace(b"account_linking", rb"account\u005flinking")
    )

    assert (LINKED,) == parse_delivery(body).events


@pytest.mark.parametrize(
    ("delivery", "is_only_linking"),
    [
        (parse(entry(event())), True),
        (parse(entry(event()), entry(standby=[event()])), True),
        (parse(entry(event(timestamp=None))), True),
        (parse(entry(event(), message())), False),
        (parse(entry(event(), None)), False),
        (parse(entry(event()), entry()), False),
        (parse(entry(event()), None), False),
        (parse(entry(event(), changes=[{"field": "feed"}])), False),
        (parse(entry(event(message=MESSAGE))), False),
        (parse(entry(event(), messaging_v2=[message()])), False),
        (parse(entry(event()), more=[message()]), False),
        (parse(entry(event()), object="instagram"), False),
        (parse(), False),
    ],
    ids=[
        "one",
        "several, one in standby",
        "an unusable one",
        "a message besides",
        "an unreadable event besides",
        "an empty entry besides",
        "an unreadable entry besides",
        "changes besides",
        "a message in the same event",
        "an unknown key of the entry",
        "an unknown key of the body",
        "a foreign object",
        "nothing",
    ],
)
def test_only_linking_means_nothing_else_at_all(
    delivery: Delivery,
    is_only_linking: bool,  # noqa: FBT001 - the expectation, named by pytest
) -> None:
    """
    Any other delivery is forwarded to the bot; an unknown key may be news to it.
    """
    assert is_only_linking == delivery.is_only_linking


def test_a_code_is_not_in_the_repr_of_its_event() -> None:
    """
    R29: log lines and tracebacks show the repr.
    """
    assert "PASS_THROUGH" not in repr(parsed(event(), event(timestamp=None)))
