"""What Meta tells of a page's standing: the examples of its page, and what is of no such form.

https://developers.facebook.com/documentation/pages-api/integrity-webhook (6 July 2026)
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.messenger.page_integrity import PageIntegrity, Standing, read_events, read_status
from app.messenger.types import PageId
from tests.installation import PAGE

SPAM = {"type": "SPAM", "description": "We don't allow …", "url": "https://transparency.meta.com/"}
NO_API = {
    "feature": "page_messaging_api",
    "status": "RESTRICTED",
    "description": "This page is restricted from sending messages via Messenger Platform for 1 day",
    "applied_time": 1760977876,
    "expiration_time": 1761064276,
}
SUSPENDED = {"feature": "page_publish", "status": "RESTRICTED", "applied_time": 1761251502}
LIFTED = {"feature": "page_messaging_api", "status": "UNRESTRICTED", "applied_time": 1760978516}
APPEAL = {"type": "FILE_APPEAL", "status": "OPEN", "created_time": 1, "updated_time": 1}
UNTIL = datetime(2025, 10, 21, 16, 31, 16, tzinfo=UTC)

# The event, what stands beside it in the entry; the standing, the features, and the end.
EXAMPLES: dict[str, tuple[dict[str, Any], dict[str, Any], Standing, tuple[str, ...], Any]] = {
    "a new violation": (
        {"status": "restricted", "violations": [{"type": "CYBERSECURITY"}]},
        {},
        "restricted",
        (),
        None,
    ),
    "a violation, and restrictions beside it": (
        {"status": "ok", "violations": [SPAM]},
        {"restrictions": [NO_API, NO_API | {"feature": "page_messaging"}]},
        "restricted",
        ("page_messaging_api", "page_messaging"),
        UNTIL,
    ),
    "a suspended page": (
        {"status": "suspended", "violations": [{"type": "NUDITY"}], "restrictions": [SUSPENDED]},
        {},
        "restricted",
        ("page_publish",),
        None,
    ),
    "a restriction is lifted": (
        {"status": "ok", "restrictions": [LIFTED]},
        {},
        "lifted",
        ("page_messaging_api",),
        None,
    ),
    "an appeal": ({"status": "restricted", "action_events": [APPEAL]}, {}, "other", (), None),
    "a warning": ({"status": "warning", "violations": [SPAM]}, {}, "warned", (), None),
    "what concerns no message": (
        {"status": "ok", "restrictions": [NO_API | {"feature": "page_read_only"}]},
        {},
        "warned",
        ("page_read_only",),
        UNTIL,
    ),
}


def _read(event: Any, **beside: Any) -> tuple[PageIntegrity, ...]:
    entry = {"time": 1761804073668, "id": PAGE, "messaging": [event], **beside}
    return read_events(json.dumps({"object": "page", "entry": [entry]}).encode())


@pytest.mark.parametrize(
    ("event", "beside", "standing", "features", "until"), EXAMPLES.values(), ids=EXAMPLES.keys()
)
def test_each_example_of_meta_s_is_understood(
    event: dict[str, Any],
    beside: dict[str, Any],
    standing: Standing,
    features: tuple[str, ...],
    until: datetime | None,
) -> None:
    (read,) = _read({"timestamp": 1761803759, **event}, **beside)

    assert (PAGE, standing, features, until) == (
        read.page_id,
        read.standing,
        read.features,
        read.until,
    )


@pytest.mark.parametrize(
    "event",
    [
        {"sender": {"id": "1"}, "recipient": {"id": PAGE}, "message": {"text": '"violations"'}},
        {"sender": {"id": "1"}, "status": "restricted"},
        {"recipient": {"id": PAGE}, "policy_enforcement": {"action": "block"}},
        {"timestamp": 1},
        None,
        [],
        "restricted",
    ],
)
def test_any_other_event_is_none_of_these(event: Any) -> None:
    """A person's message, whatever it says, restricts no page."""
    assert () == _read(event)


@pytest.mark.parametrize(
    "told",
    [
        {"status": 5},
        {"status": "ok\nforged line"},
        {"violations": "SPAM", "restrictions": {"feature": "page_messaging"}},
        {"violations": [None, {"type": "a b"}, {"type": "x" * 65}]},
        {"restrictions": [{"feature": ["page_messaging"], "expiration_time": 10**30}]},
        {"restrictions": [{"feature": {}, "expiration_time": "soon"}]},
    ],
)
def test_values_of_another_shape_are_left_out(told: dict[str, Any]) -> None:
    """Names go into the log and into doctor's lines: nothing but names does."""
    (read,) = _read(told)

    assert ("", (), (), None) == (read.status, read.features, read.violations, read.until)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"object":"page","entry":{}}', b'{"object":"page","entry":[3]}']
)
def test_a_delivery_without_entries_tells_nothing(body: bytes) -> None:
    assert () == read_events(body)


def test_of_another_object_nothing_is_read() -> None:
    entry = {"id": PAGE, "messaging": [{"status": "restricted"}]}

    assert () == read_events(json.dumps({"object": "instagram", "entry": [entry]}).encode())


def test_graph_s_answer_lists_what_is_in_force_without_a_status() -> None:
    in_force = {key: value for key, value in NO_API.items() if key != "status"}
    answer = {"id": PAGE, "status": "restricted", "violations": [SPAM], "restrictions": [in_force]}

    read = read_status(PageId(PAGE), answer)

    assert ("restricted", ("page_messaging_api",), ("SPAM",), UNTIL) == (
        read.standing,
        read.features,
        read.violations,
        read.until,
    )
