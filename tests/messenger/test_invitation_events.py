"""Events of invitations, in every place and shape in which they come; all else is the bot's."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messenger import delivery_shapes
from app.messenger.events import Delivery, Other, parse_delivery
from app.messenger.invitation_events import Answer, Claim, Disconnect, UnusableClaim, may_be_ours
from app.messenger.types import PageId, Psid

PAGE = PageId("1717527131834678")
ANA = Psid("1256217357730577")
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MILLISECONDS = 1795176000000
REF = "tli-" + "a" * 43
NONCE = "n" * 22
REFERRAL = {"ref": REF, "source": "SHORTLINK", "type": "OPEN_THREAD"}


def event(**parts: Any) -> dict[str, Any]:
    own = {"sender": {"id": ANA}, "recipient": {"id": PAGE}, "timestamp": MILLISECONDS}
    return own | parts


def parse(*events: Any, standby: Any = None, on: bool = True, **body: Any) -> Delivery:
    entry = {"id": PAGE, "time": MILLISECONDS, "messaging": list(events)}
    if standby:
        entry["standby"] = standby
    return parse_delivery(
        json.dumps({"object": "page", "entry": [entry]} | body).encode(), with_invitations=on
    )


@pytest.mark.parametrize("referral", [REFERRAL, {"ref": REF}, REFERRAL | {"source": 7}])
def test_a_ref_is_read_in_three_places_with_or_without_a_source(referral: Any) -> None:
    """Europe may have no `source`, and nothing relies upon it."""
    delivery = parse(
        event(referral=referral),
        event(postback={"payload": "GET_STARTED", "title": "x", "referral": referral}),
        event(message={"mid": "m", "text": "hello", "referral": referral}),
    )

    assert delivery.events == (
        Claim(PAGE, ANA, AT, "existing_thread", REF),
        Claim(PAGE, ANA, AT, "new_thread", REF, is_for_bot=True),
        Claim(PAGE, ANA, AT, "new_thread", REF, is_for_bot=True),
    )


def test_a_code_is_a_whole_text() -> None:
    texts = ("k7f2-m9qa", "K7F2 M9QA", "my code is K7F2-M9QA", "K7F2-M9QA!")

    delivery = parse(*(event(message={"mid": "m", "text": text}) for text in texts))

    claim = Claim(PAGE, ANA, AT, "typed", code="K7F2M9QA")
    assert delivery.events == (claim, claim, Other("event"), Other("event"))


@pytest.mark.parametrize(
    "parts",
    [
        {"postback": {"payload": f"threadlink:yes:{NONCE}", "title": "Yes"}},
        {"message": {"text": "Yes", "quick_reply": {"payload": f"threadlink:yes:{NONCE}"}}},
    ],
)
def test_an_answer_is_a_postback_or_a_quick_reply(parts: Any) -> None:
    assert parse(event(**parts)).events == (Answer(PAGE, ANA, AT, NONCE, is_yes=True),)


def test_no_and_disconnect_are_read() -> None:
    delivery = parse(
        event(postback={"payload": f"threadlink:no:{NONCE}"}),
        event(postback={"payload": "threadlink:disconnect"}),
    )

    assert delivery.events == (
        Answer(PAGE, ANA, AT, NONCE, is_yes=False),
        Disconnect(PAGE, ANA, AT),
    )
    assert delivery.is_only_invitations


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sender": {"user_ref": "u"}}, "psid"),
        ({"sender": {"id": 7}}, "psid"),
        ({"recipient": {"id": "2"}}, "page"),
        ({"timestamp": "soon"}, "time"),
        ({"timestamp": ...}, "time"),
    ],
)
def test_a_ref_in_an_unusable_event_is_burnt(change: Any, reason: str) -> None:
    """R128: the sender of the event knows it now."""
    parts = event(referral=REFERRAL) | change
    sent = {name: value for name, value in parts.items() if value is not ...}

    assert parse(sent).events == (UnusableClaim(reason, REF),)  # type: ignore[arg-type]  # one of few


def test_a_ref_in_standby_an_echo_or_a_foreign_object_is_burnt() -> None:
    """R128: what is said to another app, or by the page, is no consent of a person."""
    echo = event(message={"is_echo": True, "text": "x", "referral": REFERRAL})

    assert parse(standby=[event(referral=REFERRAL)]).events == (UnusableClaim("standby", REF),)
    assert parse(echo).events == (UnusableClaim("echo", REF),)
    foreign = parse(event(referral=REFERRAL), object="instagram")
    assert foreign.events == (UnusableClaim("foreign object", REF),)


@pytest.mark.parametrize(
    "parts",
    [
        {"message": {"is_echo": True, "text": "K7F2-M9QA"}},
        {"message": {"text": {"a": 1}, "quick_reply": "threadlink:yes"}},
        {"message": {"text": f"look: https://m.me/x?ref={REF}"}},
        {"message": ["K7F2-M9QA"]},
        {"message": {"text": "K7F2-M9QA", "padding": "x" * 600}},
        {"postback": {"payload": f"threadlink:yes:{NONCE[:-1]}"}},
        {"postback": {"payload": "threadlink:"}},
        {"postback": {"payload": 7, "referral": ["tli-"]}},
        {"postback": "threadlink:disconnect"},
        {"referral": {"ref": f"{REF}="}},
        {"referral": {"ref": "tli-"}},
        {"referral": REF},
        {"referral": {"ref": "campaign-7"}},
        {"postback": {"payload": "GET_STARTED"}},
    ],
    ids=repr,
)
def test_what_is_not_ours_is_the_bot_s(parts: Any) -> None:
    delivery = parse(event(**parts))

    assert delivery.events == (Other("event"),)
    assert not delivery.is_only_invitations


def test_get_started_is_always_for_the_bot() -> None:
    """Its welcome hangs on it."""
    delivery = parse(event(postback={"payload": "GET_STARTED", "referral": REFERRAL}))

    assert not delivery.is_only_invitations


def test_off_means_that_nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.messenger.events.may_be_ours", _not_called)

    delivery = parse(event(referral=REFERRAL), on=False)

    assert delivery.events == (Other("event"),)


def test_ordinary_texts_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand of them are read as if there were no invitations."""
    texts = ["tomorrow", "hello there", "12345678", "Order no. 7", "call 1, or 10!", "ok 👍"]
    monkeypatch.setattr(delivery_shapes, "_FULL_BODY", None)

    for _ in range(3):
        delivery = parse(*(event(message={"mid": "m", "text": text}) for text in texts[:5]))
        assert delivery.events == (Other("event"),) * 5
    assert not may_be_ours(json.dumps({"text": texts[5]}).encode())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["ref", "payload", "text", "referral", "quick_reply", "id"]), inner
            )
        ),
    )
)
def test_no_shape_of_an_event_is_an_error(parts: Any) -> None:
    """R47: a bad event does not keep the others of its delivery from being handled."""
    marked = event(referral=REFERRAL)
    delivery = parse(
        event(message=parts, postback=parts, referral=parts), marked, event(message=parts)
    )

    assert Claim(PAGE, ANA, AT, "existing_thread", REF) == delivery.events[1]
    assert 3 == len(delivery.events)


def test_seconds_and_milliseconds_are_one_time() -> None:
    assert (
        parse(event(referral=REFERRAL, timestamp=MILLISECONDS // 1000)).events
        == parse(event(referral=REFERRAL)).events
    )


def _not_called(*_: object) -> bool:
    raise AssertionError
