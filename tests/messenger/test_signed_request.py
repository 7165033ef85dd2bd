"""signed_request: whatever is not Meta's own, of now, in its one form, is refused."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.messenger.signed_request import (
    MOST_AGE,
    MOST_AHEAD,
    BadSignedRequest,
    read_signed_request,
)
from tests.installation import ENVIRONMENT, NOON
from tests.privacy.factories import USER_ID, asked, encoded, signed_request

SECRETS = (ENVIRONMENT["APP_SECRET"], "canary-previous-app-secret")
# The content of the example on Meta's page, signed with another secret than ours.
PUBLISHED = (
    "7XCxx0QqHaNJiM85uehZzQ45np_PNk8w_hH-EPzo694.eyJ1c2VyX2lkIjoiMjE4NDcxIiwiYWxnb3JpdGhtIjoiSE1B"
    "Qy1TSEEyNTYiLCJpc3N1ZWRfYXQiOjEyOTE4MzY4MDAsImV4cGlyZXMiOjEyOTE4NDA0MDB9"
)


def read(text: str, at: datetime = NOON) -> str:
    return read_signed_request(text, app_secrets=SECRETS, at=at).user_id


def reason(text: str, at: datetime = NOON) -> str:
    with pytest.raises(BadSignedRequest) as refused:
        read(text, at)
    return str(refused.value.reason)


@pytest.mark.parametrize("secret", SECRETS)
def test_the_current_and_the_previous_secret_may_sign(secret: str) -> None:
    assert USER_ID == read(signed_request(asked(NOON), secret=secret))


def test_the_algorithm_is_compared_without_letter_case() -> None:
    assert USER_ID == read(signed_request(asked(NOON, algorithm="hmac-sha256")))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(signed_request(asked(NOON), secret="another"), "not signed by us", id="wrong"),
        pytest.param(signed_request(asked(NOON), secret=""), "not signed by us", id="no secret"),
        pytest.param(f"{signed_request(asked(NOON))}=", "malformed", id="padded payload"),
        pytest.param(
            signed_request(asked(NOON)).replace(".", "=."), "malformed", id="padded signature"
        ),
        pytest.param(signed_request(asked(NOON, algorithm="none")), "algorithm", id="none"),
        pytest.param(signed_request(asked(NOON, algorithm="HMAC-SHA1")), "algorithm", id="SHA-1"),
        pytest.param(signed_request(asked(NOON, algorithm=None)), "algorithm", id="no algorithm"),
        pytest.param(signed_request(asked(NOON, algorithm=256)), "algorithm", id="a number"),
        pytest.param(signed_request(asked(NOON - MOST_AGE * 2)), "stale", id="stale"),
        pytest.param(signed_request(asked(NOON, issued_at=None)), "stale", id="no time"),
        pytest.param(signed_request(asked(NOON, issued_at=True)), "stale", id="a truth as time"),
        pytest.param(signed_request(asked(NOON, issued_at="1")), "stale", id="text as time"),
        pytest.param(signed_request(asked(NOON, issued_at=10**30)), "stale", id="a huge time"),
        pytest.param(signed_request(asked(NOON + MOST_AHEAD * 2)), "ahead", id="ahead"),
        pytest.param(signed_request(asked(NOON, user_id=None)), "no user", id="no user id"),
        pytest.param(signed_request(asked(NOON, user_id="")), "no user", id="empty user id"),
        pytest.param(signed_request(asked(NOON, user_id=7)), "no user", id="user id a number"),
        pytest.param(signed_request(asked(NOON, user_id="1/2")), "no user", id="user id a path"),
        pytest.param(signed_request(asked(NOON, user_id="\u0661")), "no user", id="other digits"),
        pytest.param(signed_request(asked(NOON, user_id="1" * 65)), "no user", id="long user id"),
        pytest.param(signed_request(asked(NOON, code="x")), "a login", id="of a login"),
        pytest.param(signed_request(asked(NOON, psid="1")), "a login", id="of a webview"),
        pytest.param(signed_request(raw=b'{"user_id":"\xff"}'), "not JSON", id="not UTF-8"),
        pytest.param(signed_request(raw=b"[" * 3000), "not JSON", id="deep JSON"),
        pytest.param(signed_request(["user_id"]), "not JSON", id="a list"),
        pytest.param(
            signed_request(raw=json.dumps(asked(NOON)).encode()[:-1] + b',"user_id":"2"}'),
            "not JSON",
            id="a name twice",
        ),
        pytest.param("", "malformed", id="empty"),
        pytest.param(".", "malformed", id="a dot"),
        pytest.param(signed_request(asked(NOON)).partition(".")[2], "malformed", id="unsigned"),
        pytest.param(f"{signed_request(asked(NOON))}.x", "malformed", id="three parts"),
        pytest.param(f"{signed_request(asked(NOON))}\n", "malformed", id="a line end"),
        pytest.param(f"\u00e9{signed_request(asked(NOON))[1:]}", "malformed", id="Unicode"),
        pytest.param(signed_request(raw=b"x" * 4000), "malformed", id="long"),
    ],
)
def test_anything_else_is_refused(text: str, why: str) -> None:
    assert why == reason(text)


def test_there_is_one_way_to_write_a_signature() -> None:
    """The last character has two bits that say nothing: with them set, it is another text."""
    mac, payload = signed_request(asked(NOON)).split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = last[last.index(mac[-1]) | 1]

    assert "malformed" == reason(f"{mac[:-1]}{other}.{payload}")


def test_what_is_signed_is_the_text_and_not_its_meaning() -> None:
    mac, payload = signed_request(asked(NOON)).split(".")
    same = encoded(json.dumps(asked(NOON), indent=1).encode())

    assert "not signed by us" == reason(f"{mac}.{same}")
    assert same != payload


def test_an_age_up_to_the_limit_is_accepted() -> None:
    oldest = (NOON - MOST_AGE).replace(microsecond=0)

    assert USER_ID == read(signed_request(asked(oldest)))
    assert "stale" == reason(signed_request(asked(oldest - timedelta(seconds=1))))


def test_the_documented_shape_is_read() -> None:
    """The vector of 2010 is well-formed, and refused for the secret alone, whatever its age."""
    assert "not signed by us" == reason(PUBLISHED, datetime(2010, 12, 8, 19, 33, 20, tzinfo=UTC))
