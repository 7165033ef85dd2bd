"""`threadlink doctor` names each problem of a token or a clock, and each check that failed."""

from datetime import timedelta
from typing import Any

import pytest

from app.infra import clock
from app.setup.meta_checks import HeaderObserver, check_headers
from tests.conftest import on_sqlite
from tests.installation import NOON, PAGE
from tests.setup.conftest import Platform, Runs, lines

TOKEN = {
    "dead": (
        {"is_valid": False, "error": {"message": "Session has expired"}},
        "Session has expired",
    ),
    "dead, and Meta does not say why": ({"is_valid": False}, "is not valid: Meta does not say why"),
    "of no kind": ({"type": ""}, "is a nameless token"),
    "of a user": ({"type": "USER"}, "is a user token"),
    "of another app": ({"app_id": "9"}, "belongs to the app 9"),
    "of another page": ({"profile_id": "8"}, "is the token of page 8"),
    "without a permission": ({"scopes": ["pages_messaging"]}, "pages_manage_metadata"),
}


@on_sqlite
@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(("facts", "told"), TOKEN.values(), ids=TOKEN.keys())
def test_a_token_that_is_no_good_is_named(
    facts: dict[str, Any], told: str, platform: Platform, runs: Runs
) -> None:
    platform.token_facts |= facts

    line = lines(runs)[f"token of page {PAGE}"]

    assert "fault" == line["verdict"]
    assert told in line["words"]
    assert "Generate token" in line["mend"]


@on_sqlite
@pytest.mark.usefixtures("sound")
def test_a_token_that_ends_soon_is_a_warning(platform: Platform, runs: Runs) -> None:
    ends_at = clock.now() + timedelta(days=3)
    platform.token_facts["expires_at"] = int(ends_at.timestamp())

    result = runs("doctor")

    assert 0 == result.exit_code
    told = f"warning  token of page {PAGE}: ends on {ends_at:%Y-%m-%d %H:%M} UTC"
    assert f"{told}\n{'':9}fix: App dashboard" in result.stdout


@on_sqlite
@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(
    ("seconds", "verdict"), [(-60, "warning"), (60, "warning"), (300, "fault")]
)
def test_a_clock_that_is_wrong_is_named(
    seconds: int, verdict: str, platform: Platform, runs: Runs
) -> None:
    """
    A code is good by Meta's clock: more than two minutes off, and none is.
    """
    platform.clock_is_off_by = timedelta(seconds=seconds)

    line = lines(runs)["clock"]

    assert verdict == line["verdict"]
    assert "timedatectl set-ntp true" == line["mend"]


# What Graph says to a page's token which debug_token has called good, a moment before. The proof is
# refused as others have met it: tests/emulator/graph/test_views.py.
PAGE_ERRORS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "another secret": (
        {
            "message": "Invalid appsecret_proof provided in the API argument",
            "type": "GraphMethodException",
            "code": 100,
        },
        f"proof of page {PAGE}",
        "appsecret_proof is refused: the token belongs to an app with another secret",
        "App settings > Basic > App secret",
    ),
    "no longer good": (
        {"message": "Session has expired", "type": "OAuthException", "code": 190},
        f"page {PAGE}",
        "the token is no longer good: Session has expired (code 190",
        "App dashboard > Messenger > Messenger API settings > Generate token",
    ),
    "not allowed": (
        {"message": "Permissions error", "type": "OAuthException", "code": 200},
        f"page {PAGE}",
        "Graph refuses the check: Permissions error (code 200",
        "App dashboard > Messenger > Messenger API settings > Generate token",
    ),
    "too many calls": (
        {"message": "Page request limit reached", "type": "OAuthException", "code": 32},
        f"page {PAGE}",
        "could not be checked, Graph does not answer: Page request limit reached (code 32",
        "https://metastatus.com",
    ),
}


@on_sqlite
@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(
    ("error", "subject", "told", "mend"), PAGE_ERRORS.values(), ids=PAGE_ERRORS.keys()
)
def test_what_graph_answers_to_the_page_is_named(  # noqa: PLR0913, PLR0917 - a row of the table
    error: dict[str, Any], subject: str, told: str, mend: str, platform: Platform, runs: Runs
) -> None:
    platform.page_error = error

    found = lines(runs)

    assert "fault" == found[subject]["verdict"]
    assert found[subject]["words"].startswith(told)
    assert found[subject]["mend"].startswith(mend)
    # Nothing is reported of what could not be checked; the other checks go on.
    assert f"Log In of page {PAGE}" not in found
    assert "ok" == found["clock"]["verdict"]


@pytest.mark.parametrize("date", [None, "", "yesterday", "Fri, 20 Nov 2026 12:00:00 -0000"])
def test_where_graph_told_no_time_nothing_is_said_of_the_clock(date: str | None) -> None:
    eyes = HeaderObserver(version=None, date=date)

    assert [] == list(check_headers(eyes, "v26.0", at=NOON))
