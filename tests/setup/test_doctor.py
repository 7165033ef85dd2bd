"""`threadlink doctor` names each problem at Meta, with its cause and its fix."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
from structlog.testing import capture_logs

from app.emulator.context import Emulator
from app.emulator.state import AppSubscription
from app.infra import clock
from app.infra.database.writer import NotCommitted
from app.infra.network.meta_addresses import GRAPH_VERSION
from app.infra.observability import logs
from app.linking import changes
from app.messenger.types import Psid
from app.outbox import heartbeats
from app.services.background import make_worker
from app.services.container import Services
from app.setup import concurrently
from app.setup.concurrently import Check
from app.setup.findings import Finding, ok
from app.setup.meta_checks import check_meta
from tests.browsers import OverSockets
from tests.installation import OTHER_PAGE, PAGE
from tests.linking.factories import linked
from tests.setup.conftest import TOKENS, Platform, Runs, lines

LINKING = "messaging_account_linking"


@pytest.mark.usefixtures("sound")
def test_a_sound_installation_passes_every_check(runs: Runs) -> None:
    result = runs("doctor")

    assert 0 == result.exit_code, result.output
    # The tests' own PostgreSQL is faster than it is safe, and hears so.
    stated = [line for line in result.stdout.splitlines() if "database standby: " not in line]
    assert {"ok"} == {line.split(maxsplit=1)[0] for line in stated if "fix: fsync" not in line}
    assert 23 == sum(line.startswith("ok") for line in stated)


@pytest.mark.usefixtures("sound")
def test_no_secret_is_ever_told(
    platform: Platform, runs: Runs, environment: dict[str, str]
) -> None:
    platform.token_facts["is_valid"] = False

    told = runs("doctor").output + runs("doctor", "--json").output

    names = ("SECRET_KEY", "APP_SECRET", "VERIFY_TOKEN", "PAGE_ACCESS_TOKEN")
    assert [] == [name for name in names if environment[name] in told]


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize("is_numbered", [False, True], ids=["not numbered", "numbered"])
def test_it_is_told_that_messenger_names_nobody(
    runs: Runs, server: Services, meta: Emulator, *, is_numbered: bool
) -> None:
    """R17: asked by both calls about the people who are linked; none of them is named here.

    Also where no bot has ever asked for changes, which numbers them.
    """
    psid = Psid(meta.state.threads(PAGE)[0].psid)
    server.write(lambda session: linked(session, psid=psid).version)
    if is_numbered:
        server.write(changes.number, most=10)
    named = runs("doctor").output
    for fault in ("profile-withheld", "conversations-refused"):
        meta.faults.turn_on(fault)

    told = runs("doctor").output

    assert "Messenger tells them, by their profiles" in named
    (line,) = (line for line in told.splitlines() if "names of people" in line)
    assert line.startswith("warning")
    assert psid not in told


SETTINGS = {
    "a setting is missing": (
        {"VERIFY_TOKEN": ""},
        "settings",
        "VERIFY_TOKEN is not set",
        "set it in .env or the environment",
    ),
    "the database is away": (
        {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/x"},
        "database",
        "cannot be reached: ",
        "start PostgreSQL, or correct host and port in DATABASE_URL",
    ),
    "nothing listens": (
        {"PUBLIC_URL": "http://127.0.0.1:9"},
        "public address",
        "does not answer",
        "threadlink serve; with a tunnel: PUBLIC_URL",
    ),
    "another verify token": (
        {"VERIFY_TOKEN": "another-verify-token-of-these-tests"},
        "handshake",
        "another VERIFY_TOKEN",
        "VERIFY_TOKEN must be the same here and where the server runs",
    ),
    "another app secret": (
        {"APP_SECRET": "x" * 32},
        "app secret",
        "do not belong together",
        "https://developers.facebook.com/apps/100200300400500/settings/basic/",
    ),
    "an expired version": (
        {"GRAPH_VERSION": "v18.0"},
        "Graph version",
        "v18.0 has expired",
        f"GRAPH_VERSION={GRAPH_VERSION}",
    ),
    "another page's token": (
        {"PAGE_ACCESS_TOKEN": TOKENS[OTHER_PAGE]},
        f"page {PAGE}",
        f"its token belongs to {OTHER_PAGE}",
        "App dashboard > Messenger > Messenger API settings > Generate token",
    ),
    "Graph is away": (
        {"GRAPH_URL": "http://127.0.0.1:9"},
        "app subscription",
        "Graph does not answer",
        "https://metastatus.com; from this machine: curl",
    ),
}


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(
    ("changed", "subject", "told", "mend"), SETTINGS.values(), ids=SETTINGS.keys()
)
def test_a_setting_that_is_wrong_is_named(
    changed: dict[str, str], subject: str, told: str, mend: str, runs: Runs
) -> None:
    line = lines(runs, **changed)[subject]

    assert "fault" == line["verdict"]
    assert told in line["words"]
    assert line["mend"].startswith(mend)


AT_META: dict[str, tuple[Callable[[Emulator], object], str, str, str]] = {
    "the app has no webhook": (
        lambda meta: setattr(meta.state, "app_subscription", None),
        "app subscription",
        "has no webhook",
        "threadlink setup",
    ),
    "the webhook leads elsewhere": (
        lambda meta: setattr(
            meta.state, "app_subscription", AppSubscription("https://bot.example/x", (LINKING,))
        ),
        "app subscription",
        "leads to https://bot.example/x",
        "threadlink setup --take-webhook",
    ),
    "Meta has switched the webhook off": (
        lambda meta: setattr(
            meta.state,
            "app_subscription",
            replace(cast("AppSubscription", meta.state.app_subscription), is_active=False),
        ),
        "app subscription",
        "switched the webhook off after failures",
        "threadlink setup",
    ),
    "Log In names another page": (
        lambda meta: meta.state.set_linking_url(
            PAGE, str(meta.state.linking_url(PAGE)).replace(PAGE, OTHER_PAGE)
        ),
        f"Log In of page {PAGE}",
        f"client_id={OTHER_PAGE}",
        f"threadlink messenger set-url --page {PAGE}",
    ),
    "the page's field is missing": (
        lambda meta: meta.state.set_page_fields(PAGE, ("messages",)),
        f"subscription of page {PAGE}",
        f"not subscribed to the page's {LINKING}",
        "threadlink setup",
    ),
    "Log In leads elsewhere": (
        lambda meta: meta.state.set_linking_url(PAGE, "https://old.example/authorize"),
        f"Log In of page {PAGE}",
        "leads to https://old.example/authorize",
        f"threadlink messenger set-url --page {PAGE}",
    ),
}


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(
    ("break_it", "subject", "told", "mend"), AT_META.values(), ids=AT_META.keys()
)
def test_a_fault_at_meta_is_named_with_the_command(  # noqa: PLR0913, PLR0917 - a row of the table
    break_it: Callable[[Emulator], object],
    subject: str,
    told: str,
    mend: str,
    meta: Emulator,
    runs: Runs,
) -> None:
    break_it(meta)

    line = lines(runs)[subject]

    assert "fault" == line["verdict"]
    assert told in line["words"]
    assert line["mend"].startswith(mend)


def test_an_app_without_the_field_is_named(sound: Services, meta: Emulator, runs: Runs) -> None:
    """
    The commonest cause of "Account Linking Failed".
    """
    url = f"{sound.settings.public_url}/webhook"
    meta.state.app_subscription = AppSubscription(url, ("messages",))

    line = lines(runs)["app subscription"]

    assert ("fault", "threadlink setup") == (line["verdict"], line["mend"])
    assert LINKING in line["words"]


@pytest.mark.usefixtures("sound")
def test_a_log_in_that_is_not_shown_is_a_warning(meta: Emulator, runs: Runs) -> None:
    """
    A button in a message leads to the same page, so links can still be made.
    """
    meta.state.set_linking_url(PAGE, None)

    line = lines(runs)[f"Log In of page {PAGE}"]

    assert ("warning", f"threadlink messenger set-url --page {PAGE}") == (
        line["verdict"],
        line["mend"],
    )
    assert "no address is set" in line["words"]


def test_the_daily_look_warns_in_the_log_and_in_the_figures(
    sound: Services, meta: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    R104: by `threadlink worker` itself, five minutes after its start and then each day.
    """
    moment = start = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    worker = make_worker(sound, "w")
    worker.run_once()
    meta.state.app_subscription = None
    told = []

    for minutes in (5, 6, 5 + 24 * 60):
        moment = start + timedelta(minutes=minutes)
        with capture_logs() as lines_of_it:
            worker.run_once()
        told.append([line for line in lines_of_it if line["event"] == "setup.fault"])

    assert [1, 0, 1] == [len(warned) for warned in told]
    assert ("app subscription", "threadlink setup") == (told[0][0]["subject"], told[0][0]["fix"])
    assert 1 == sound.read(heartbeats.workers_status, at=moment).faults


def test_a_meta_that_is_busy_changes_nothing_about_what_was_found(
    sound: Services, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An alert of a changed set-up must neither be raised for a day by an outage, nor be silenced.
    """
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    # `threadlink setup`, which ran in this process, logs errors only.
    logs.configure(level="warning", form="console")
    worker = make_worker(sound, "w")
    worker.run_once()
    kept = platform.emulator.state.app_subscription
    busy = {"/me/subscribed_apps": {"message": "busy", "code": 2, "is_transient": True}}
    looks = []

    for errors, subscription in ((busy, True), ({}, True), ({}, False), (busy, False), ({}, True)):
        moment += timedelta(days=1)
        platform.errors = errors
        platform.emulator.state.app_subscription = kept if subscription else None
        with capture_logs() as told:
            worker.run_once()
        faults = sound.read(heartbeats.workers_status, at=moment).faults
        looks.append((faults, len([line for line in told if line["event"] == "setup.fault"])))

    assert [(None, 1), (0, 0), (1, 1), (1, 2), (0, 0)] == looks


@pytest.mark.parametrize(
    ("ahead", "event", "told"),
    [
        (timedelta(hours=2), "setup.warning", "ends on"),
        (timedelta(hours=-2), "setup.fault", "ended on"),
    ],
)
def test_the_daily_look_tells_that_the_token_ends(  # noqa: PLR0913, PLR0917 - a row of the table
    ahead: timedelta,
    event: str,
    told: str,
    sound: Services,
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A page token that was made from a short-lived user token is good for two hours.
    """
    moment = clock.now()
    platform.token_facts["expires_at"] = int((moment + ahead).timestamp())
    monkeypatch.setattr(clock, "now", lambda: moment)
    # `threadlink setup`, which ran in this process, logs errors only.
    logs.configure(level="warning", form="console")
    worker = make_worker(sound, "w")
    worker.run_once()
    moment += timedelta(minutes=5)

    with capture_logs() as logged:
        worker.run_once()

    (line,) = [line for line in logged if line["event"].startswith("setup.")]
    assert (event, f"token of page {PAGE}") == (line["event"], line["subject"])
    assert line["told"].startswith(told)
    assert TOKENS[PAGE] not in str(logged)


@pytest.mark.usefixtures("sound")
def test_each_authenticator_is_asked_and_none_hides_another(runs: Runs) -> None:
    """Two servers that are away: each is told, with its own fix, and the rest is looked at."""
    away = {
        "AUTHENTICATORS": "ldap:staff oidc:shop",
        "LDAP_STAFF_URL": "ldap://127.0.0.1:9",
        "LDAP_STAFF_BASE": "dc=example,dc=com",
        "OIDC_SHOP_ISSUER": "http://127.0.0.1:9",
        "OIDC_SHOP_CLIENT_ID": "threadlink",
        "OIDC_SHOP_CLIENT_SECRET": "canary-s3cret",
    }

    found = lines(runs, **away)

    staff, shop = found["authenticator ldap:staff"], found["authenticator oidc:shop"]
    assert ("fault", "fault") == (staff["verdict"], shop["verdict"])
    assert "LDAP_STAFF_URL" in staff["mend"]
    assert "OIDC_SHOP_ISSUER" in shop["mend"]
    assert "ok" == found["clock"]["verdict"]
    assert "canary-s3cret" not in str(found)


@pytest.mark.usefixtures("server")
def test_that_there_are_no_accounts_yet_is_a_warning(runs: Runs) -> None:
    line = lines(runs)["authenticator local"]

    assert ("warning", "has no accounts yet") == (line["verdict"], line["words"])
    assert line["mend"].startswith("threadlink accounts add")


def test_checks_do_not_wait_for_each_other() -> None:
    """One that hangs until its time is over costs no more than that, however many do."""
    all_at_once = threading.Barrier(3)

    def looks() -> list[Finding]:
        all_at_once.wait(10)
        return [ok("x", "is sound")]

    found = [*concurrently.run([Check("x", looks)] * 3)]

    assert ["ok"] * 3 == [finding.verdict for finding in found]


def test_a_check_that_breaks_down_hides_no_other() -> None:
    def breaks() -> list[Finding]:
        raise RuntimeError("canary")

    def away() -> list[Finding]:
        raise NotCommitted

    sound = ok("c", "is sound")

    checks = [Check("a", breaks), Check("b", away), Check("c", lambda: [sound])]
    with capture_logs() as lines_of_it:
        found = [*concurrently.run(checks)]

    assert ["a", "b", "c"] == [finding.subject for finding in found]
    assert sound == found[2]
    assert "could not be checked (RuntimeError)" == found[0].words
    assert ("threadlink db status", "problem") == (found[1].fix, found[1].verdict)
    # With the traceback, which the report of a defect needs.
    (line,) = lines_of_it
    assert ("setup.check_failed", "a", True) == (line["event"], line["subject"], line["exc_info"])


def test_nothing_that_doctor_does_changes_anything(
    sound: Services, meta: Emulator, runs: Runs
) -> None:
    before = (meta.state.app_subscription, meta.state.page_fields(PAGE))

    runs("doctor")

    assert before == (meta.state.app_subscription, meta.state.page_fields(PAGE))
    browser = OverSockets(sound.settings.public_url)
    assert 200 == browser("GET", "/readyz").status
    browser.close()


def test_the_daily_look_sees_what_has_changed_at_meta(sound: Services, meta: Emulator) -> None:
    """
    R104: Meta unsubscribes an app that failed for an hour, and nobody is told.
    """
    assert [] == faults_of(sound)
    meta.state.app_subscription = None
    meta.state.set_page_fields(PAGE, ())

    assert ["app subscription", f"subscription of page {PAGE}"] == faults_of(sound)


def faults_of(services: Services) -> list[str]:
    found = check_meta(services.meta(), at=clock.now())
    return [finding.subject for finding in found if finding.verdict == "problem"]
