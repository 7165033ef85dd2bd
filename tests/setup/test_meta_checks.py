"""`threadlink doctor` names each problem of a token or a clock, and each check that failed."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.emulator.context import Emulator
from app.emulator.graph.versions import version_serving
from app.infra import clock
from app.infra.network.meta_addresses import GRAPH_VERSION, VERSION_ENDS
from app.infra.observability import logs
from app.services.background import META_CHECK_AFTER, make_worker
from app.services.container import Services
from app.setup import header_checks
from app.setup.header_checks import HeaderObserver, check_clock, check_version
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


DAYS = timedelta(days=1)
# The moments that Meta names, from now on; the verdict, and how it is told.
ENDS: dict[str, tuple[str, timedelta, str, str]] = {
    "gone, though Meta calls it valid": ("expires_at", -DAYS, "fault", "ended on"),
    "of two hours": ("expires_at", timedelta(hours=2), "warning", "ends on"),
    "of sixty days": ("expires_at", 60 * DAYS, "ok", "is valid"),
    "with access to data that has ended": (
        "data_access_expires_at",
        -DAYS,
        "warning",
        "the app's access to the data of the token's owner ended on",
    ),
    "with access to data that ends": (
        "data_access_expires_at",
        3 * DAYS,
        "warning",
        "the app's access to the data of the token's owner ends on",
    ),
    "with access to data that ends in 13 days": (
        "data_access_expires_at",
        13 * DAYS,
        "warning",
        "the app's access to the data of the token's owner ends on",
    ),
    "with access to data for long": ("data_access_expires_at", 80 * DAYS, "ok", "is valid"),
}


@on_sqlite
@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(("name", "ahead", "verdict", "told"), ENDS.values(), ids=ENDS.keys())
def test_that_a_token_ends_is_told_in_time(  # noqa: PLR0913, PLR0917 - a row of the table
    name: str, ahead: timedelta, verdict: str, told: str, platform: Platform, runs: Runs
) -> None:
    ends_at = clock.now() + ahead
    platform.token_facts[name] = int(ends_at.timestamp())

    line = lines(runs)[f"token of page {PAGE}"]

    assert verdict == line["verdict"]
    assert line["words"].startswith(told)
    assert (f"{ends_at:%Y-%m-%d %H:%M} UTC" in line["words"]) is (verdict != "ok")


@on_sqlite
@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(
    ("scopes", "verdict"),
    [
        ([{"scope": "pages_messaging", "target_ids": ["8"]}], "warning"),
        ([{"scope": "pages_messaging", "target_ids": ["8", PAGE]}], "ok"),
        ([{"scope": "pages_messaging"}, {"scope": "leads_retrieval", "target_ids": ["8"]}], "ok"),
    ],
    ids=["another page", "this page, too", "all pages"],
)
def test_a_permission_for_other_pages_is_not_called_every_permission(
    scopes: list[Any], verdict: str, platform: Platform, runs: Runs
) -> None:
    platform.token_facts["granular_scopes"] = scopes

    line = lines(runs)[f"token of page {PAGE}"]

    assert verdict == line["verdict"]
    assert ("with every permission" in line["words"]) is (verdict == "ok")
    assert ("was given pages_messaging for other pages only" in line["words"]) is (verdict != "ok")


@on_sqlite
@pytest.mark.usefixtures("sound")
def test_all_that_is_wrong_with_a_token_is_told(platform: Platform, runs: Runs) -> None:
    platform.token_facts |= {"type": "USER", "app_id": "9", "scopes": []}

    output = runs("doctor").output

    for told in ("is a user token", "belongs to the app 9", "lacks the permission"):
        assert f"PROBLEM  token of page {PAGE}: {told}" in output


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
        {"message": "API access deactivated", "type": "OAuthException", "code": 200},
        f"page {PAGE}",
        "Graph refuses the check: API access deactivated (code 200",
        "App dashboard > Alerts, and App Review > Permissions and Features",
    ),
    "a user's token": (
        {"message": "(#210) A page access token is required", "code": 210},
        f"page {PAGE}",
        "the token is not a page's: (#210) A page access token is required",
        "App dashboard > Messenger > Messenger API settings > Generate token",
    ),
    "a restricted page": (
        {"message": "Page restricted", "code": 10, "error_subcode": 1893063},
        f"page {PAGE}",
        "Graph refuses the check: Page restricted (code 10, subcode 1893063",
        "an admin of the Page",
    ),
    "too many calls": (
        {"message": "Too many calls to this Page account", "code": 80001},
        f"page {PAGE}",
        "could not be checked, Graph's rate limit is reached: Too many calls",
        "wait a minute, then: threadlink doctor",
    ),
    "trouble on Meta's side": (
        {"message": "Service temporarily unavailable", "code": 2, "is_transient": True},
        f"page {PAGE}",
        "could not be checked, Graph has trouble of its own: Service temporarily unavailable",
        "wait a few minutes (https://metastatus.com), then: threadlink doctor",
    ),
    "something that nobody knows": (
        {"message": "Odd", "code": 424242},
        f"page {PAGE}",
        "Graph refuses the check: Odd (code 424242",
        "the words above are Meta's; the code: https://developers.facebook.com",
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
    platform.errors["/me?"] = error

    found = lines(runs)

    assert "fault" == found[subject]["verdict"]
    assert found[subject]["words"].startswith(told)
    assert found[subject]["mend"].startswith(mend)
    # The other checks go on, unless Graph answers whatever this token asks so.
    is_all_of_it = mend.startswith("App settings") or error["code"] in {190, 210}
    assert (f"Log In of page {PAGE}" in found) is not is_all_of_it
    assert "ok" == found["clock"]["verdict"]
    assert "ok" == found["app secret"]["verdict"]


@on_sqlite
@pytest.mark.usefixtures("sound")
def test_a_token_that_may_not_read_the_page_s_name_is_good(platform: Platform, runs: Runs) -> None:
    """
    Linking needs no pages_read_engagement.
    """
    platform.errors["name"] = {
        "message": "(#100) Object does not exist, cannot be loaded due to missing permission or "
        "reviewable feature. It requires the 'pages_read_engagement' permission",
        "code": 100,
    }

    result = runs("doctor")

    assert 0 == result.exit_code, result.output


LOOKS: dict[str, tuple[str, str, int]] = {
    "the app's webhook": ("/subscriptions?", "app subscription", 613),
    "debug_token": ("/debug_token?", f"token of page {PAGE}", 613),
    "the page": ("/me?", f"page {PAGE}", 613),
    "its fields": ("/me/subscribed_apps?", f"subscription of page {PAGE}", 200),
    "Log In": ("/me/messenger_profile?", f"Log In of page {PAGE}", 10),
}


@on_sqlite
@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(("path", "subject", "code"), LOOKS.values(), ids=LOOKS.keys())
def test_a_look_that_fails_hides_no_other(
    path: str, subject: str, code: int, platform: Platform, runs: Runs
) -> None:
    platform.errors[path] = {"message": "no", "code": code}

    found = lines(runs)

    assert [subject] == [name for name, line in found.items() if line["verdict"] != "ok"]
    looks = ("app subscription", f"token of page {PAGE}", f"Log In of page {PAGE}")
    assert [] == [name for name in looks if name not in found]
    assert f"subscription of page {PAGE}" in found


@on_sqlite
@pytest.mark.usefixtures("sound")
def test_of_an_unknown_app_no_token_is_called_bad(platform: Platform, runs: Runs) -> None:
    """
    What Graph refuses is the app's own token: its id and its secret.
    """
    refused = {"message": "Invalid OAuth access token signature.", "code": 190}
    platform.errors |= {"/subscriptions?": refused, "/debug_token?": refused}

    found = lines(runs)

    assert "APP_ID and APP_SECRET do not belong together" in found["app secret"]["words"]
    token = found[f"token of page {PAGE}"]
    assert "could not be checked: APP_ID and APP_SECRET do not belong together" == token["words"]
    assert "Generate token" not in token["mend"]
    assert "ok" == found[f"Log In of page {PAGE}"]["verdict"]


@pytest.mark.parametrize("date", [None, "", "yesterday", "Fri, 20 Nov 2026 12:00:00 -0000"])
def test_where_graph_told_no_time_nothing_is_said_of_the_clock(date: str | None) -> None:
    eyes = HeaderObserver(version=None, date=date)

    assert [] == list(check_clock(eyes, at=NOON))


@pytest.mark.parametrize(
    ("version", "days", "verdict", "told"),
    [
        ("v21.0", 61, "ok", "v21.0 is served"),
        ("v21.0", 59, "warning", "v21.0 ends on 2027-01-21; Graph then answers as another"),
        ("v26.0", 0, "ok", "v26.0 is served"),
        ("v99.0", 0, "ok", "v99.0 is served"),
    ],
)
def test_a_version_that_ends_is_named_in_time(
    version: str, days: int, verdict: str, told: str
) -> None:
    """An unlike version may answer otherwise: 60 days are enough to try another."""
    ends_at = VERSION_ENDS.get(version, NOON)

    (finding,) = check_version(HeaderObserver(version), version, at=ends_at - days * DAYS)

    assert verdict == finding.verdict
    assert finding.words.startswith(told)
    assert (GRAPH_VERSION in finding.fix) is (verdict == "warning")


def test_the_version_that_is_set_by_default_does_not_end_soon() -> None:
    """Else every new installation begins with a warning."""
    assert VERSION_ENDS.get(GRAPH_VERSION, NOON + 999 * DAYS) > NOON + 120 * DAYS


@pytest.mark.parametrize(("version", "ends_at"), VERSION_ENDS.items())
def test_the_emulator_ends_each_version_on_the_same_day(version: str, ends_at: datetime) -> None:
    assert version == version_serving(version, ends_at - DAYS)
    assert version != version_serving(version, ends_at)


@on_sqlite
def test_the_daily_look_warns_of_a_version_that_ends(
    sound: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = clock.now()
    ends = {**VERSION_ENDS, GRAPH_VERSION: moment + 30 * DAYS}
    monkeypatch.setattr(header_checks, "VERSION_ENDS", ends)
    monkeypatch.setattr(clock, "now", lambda: moment)
    # `threadlink setup`, which ran in this process, logs errors only.
    logs.configure(level="warning", form="console")
    worker = make_worker(sound, "w")
    worker.run_once()
    moment += META_CHECK_AFTER

    with capture_logs() as logged:
        worker.run_once()

    (line,) = [line for line in logged if line["event"] == "setup.warning"]
    assert "Graph version" == line["subject"]


@on_sqlite
@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(("applies", "verdict"), [(True, "warning"), (False, None)])
def test_a_page_under_the_european_rules_is_named(
    verdict: str | None, platform: Platform, meta: Emulator, runs: Runs, *, applies: bool
) -> None:
    """Asked in the one call that is made already: Meta allows ten in ten minutes."""
    if applies:
        meta.faults.turn_on("europe-page")

    result = lines(runs)

    line = result.get(f"region of page {PAGE}")
    assert verdict == (line and line["verdict"])
    assert line is None or "europe-japan-updates" in line["mend"]
    assert "ok" == result[f"Log In of page {PAGE}"]["verdict"]
    asked = [call for call in platform.asked if call.startswith("GET /me/messenger_profile")]
    # One by setup, one by doctor.
    assert 2 == len(asked)


@on_sqlite
@pytest.mark.usefixtures("sound")
def test_a_graph_that_does_not_know_the_european_property_hides_nothing(
    platform: Platform, runs: Runs
) -> None:
    platform.errors["subject_to_new_eu_privacy_rules"] = {"message": "(#100) no", "code": 100}

    found = lines(runs)

    assert "ok" == found[f"Log In of page {PAGE}"]["verdict"]
    assert f"region of page {PAGE}" not in found


@on_sqlite
@pytest.mark.usefixtures("sound")
def test_a_restricted_page_is_named_before_a_message_fails(meta: Emulator, runs: Runs) -> None:
    meta.faults.turn_on("graph-10-1893063")

    line = lines(runs)[f"standing of page {PAGE}"]

    assert "fault" == line["verdict"]
    assert line["words"].startswith("Meta restricts it: page_messaging_api, SPAM, until 20")
    assert line["mend"].startswith("an admin of the Page")


@on_sqlite
@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize("code", [1, 2, 10, 100, 613])
def test_a_graph_that_does_not_tell_a_page_s_standing_is_no_finding(
    code: int, platform: Platform, runs: Runs
) -> None:
    """Nobody could try the call at Meta: it must not spoil what is known."""
    error = {"message": "no", "code": code, "is_transient": False}
    platform.errors[f"/{PAGE}/page_status"] = error

    result = runs("doctor")

    assert 0 == result.exit_code, result.output
    assert "standing of page" not in result.output


@on_sqlite
@pytest.mark.usefixtures("sound")
def test_a_page_whose_standing_is_refused_for_its_restriction_is_named(
    platform: Platform, runs: Runs
) -> None:
    error = {"message": "Page restricted", "code": 10, "error_subcode": 1893063}
    platform.errors[f"/{PAGE}/page_status"] = error

    assert "fault" == lines(runs)[f"standing of page {PAGE}"]["verdict"]
