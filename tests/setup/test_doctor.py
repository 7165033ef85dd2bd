"""`threadlink doctor` names each fault, with its cause and with what mends it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from app import clock, schema
from app.emulator.context import Emulator
from app.emulator.state import AppSubscription
from app.linking import intake
from app.linking.repairs import tell_messenger
from app.outbox import beats
from app.services import Services
from app.setup.meta import check_subscriptions
from tests.browsers import OverSockets
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import ANA, OTHER_PAGE, PAGE
from tests.setup.conftest import TOKENS, Platform, Runs

LINKING = "messaging_account_linking"


@pytest.fixture
def sound(server: Services, runs: Runs) -> Services:
    """Return an installation with which nothing is wrong: Messenger has been heard, too."""
    assert 0 == runs("setup").exit_code
    server.write(intake.add, {(intake.minute_of(clock.now()), "current"): 1})
    return server


def lines(runs: Runs, **changed: str) -> dict[str, dict[str, Any]]:
    """Return what doctor says, by what it is about."""
    result = runs("doctor", "--json", **changed)
    return {line["subject"]: line for line in json.loads(result.stdout)}


@pytest.mark.usefixtures("sound")
def test_a_sound_installation_passes_every_check(runs: Runs) -> None:
    result = runs("doctor")

    assert 0 == result.exit_code, result.output
    assert 16 == result.stdout.count("\n")
    assert {"ok"} == {line.split(maxsplit=1)[0] for line in result.stdout.splitlines()}


@pytest.mark.usefixtures("sound")
def test_no_secret_is_ever_told(
    platform: Platform, runs: Runs, environment: dict[str, str]
) -> None:
    platform.token_facts["is_valid"] = False

    told = runs("doctor").output + runs("doctor", "--json").output

    names = ("SECRET_KEY", "APP_SECRET", "VERIFY_TOKEN", "PAGE_ACCESS_TOKEN")
    assert [] == [name for name in names if environment[name] in told]


SETTINGS = {
    "a setting is missing": ({"VERIFY_TOKEN": ""}, "settings", "VERIFY_TOKEN is not set"),
    "the database is away": (
        {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/x"},
        "database",
        "cannot be reached",
    ),
    "nothing listens": ({"PUBLIC_URL": "http://127.0.0.1:9"}, "public address", "does not answer"),
    "another verify token": ({"VERIFY_TOKEN": "x" * 32}, "handshake", "another VERIFY_TOKEN"),
    "another app secret": ({"APP_SECRET": "x" * 32}, "app secret", "do not belong together"),
    "an expired version": ({"GRAPH_VERSION": "v18.0"}, "Graph version", "v18.0 has expired"),
    "another page's token": (
        {"PAGE_ACCESS_TOKEN": TOKENS[OTHER_PAGE]},
        f"page {PAGE}",
        f"its token speaks for page {OTHER_PAGE}",
    ),
    "Graph is away": ({"GRAPH_URL": "http://127.0.0.1:9"}, "app secret", "Graph does not answer"),
}


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(("changed", "subject", "told"), SETTINGS.values(), ids=SETTINGS.keys())
def test_a_setting_that_is_wrong_is_named(
    changed: dict[str, str], subject: str, told: str, runs: Runs
) -> None:
    line = lines(runs, **changed)[subject]

    assert "fault" == line["verdict"]
    assert told in line["words"]
    assert line["mend"]


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
        f"not told of the page's {LINKING}",
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


TOKEN = {
    "dead": (
        {"is_valid": False, "error": {"message": "Session has expired"}},
        "Session has expired",
    ),
    "of a user": ({"type": "USER"}, "is a user token"),
    "of another app": ({"app_id": "9"}, "belongs to the app 9"),
    "of another page": ({"profile_id": "8"}, "is the token of page 8"),
    "without a permission": ({"scopes": ["pages_messaging"]}, "pages_manage_metadata"),
}


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


@pytest.mark.usefixtures("sound")
def test_a_token_that_ends_soon_is_a_warning(platform: Platform, runs: Runs) -> None:
    ends_at = clock.now() + timedelta(days=3)
    platform.token_facts["expires_at"] = int(ends_at.timestamp())

    result = runs("doctor")

    assert 0 == result.exit_code
    assert f"ends on {ends_at:%Y-%m-%d}" in result.stdout


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


@pytest.mark.usefixtures("sound")
def test_a_proof_that_is_refused_is_named(platform: Platform, runs: Runs) -> None:
    platform.refuses_proofs = True

    line = lines(runs)[f"proof of page {PAGE}"]

    assert "fault" == line["verdict"]
    assert line["words"].startswith("appsecret_proof is refused")
    assert "App settings > Basic > App secret" in line["mend"]


@on_postgresql
def test_a_database_that_takes_no_writes_is_named(sound: Services, runs: Runs) -> None:
    """
    So a standby answers.
    """
    name = sound.engine.url.database
    with sound.engine.begin() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))

    line = lines(runs)["database"]

    assert "fault" == line["verdict"]
    assert "takes no writes (ReadOnlySqlTransaction)" in line["words"]
    assert line["mend"].startswith("look at the log of the PostgreSQL server")


@on_sqlite
def test_a_full_disk_is_named(sound: Services, environment: dict[str, str], tmp_path: Path) -> None:
    """
    To look whether nothing can be deleted would pass: a full disk takes that.
    """
    path = Path(str(sound.engine.url.database))
    log = path.with_name(f"{path.name}-wal")
    # What SQLite writes goes to the end of its log, and that can grow no more.
    while log.stat().st_size < 100_000:
        sound.write(beats.beat, "w", at=clock.now())
    most = log.stat().st_size

    run = subprocess.run(  # noqa: S603 - our own program
        [
            "/bin/sh",
            "-c",
            f"ulimit -f {most // 512}; exec {Path(sys.executable).with_name('threadlink')} doctor",
        ],
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 1 == run.returncode
    assert "FAULT    database: takes no writes" in run.stdout, run.stdout + run.stderr
    assert "the disk is full" in run.stdout
    assert f"mend: df -h {path.parent} && ls -l {path}" in run.stdout


def test_a_failing_receiver_is_told_from_a_missing_worker(sound: Services, runs: Runs) -> None:
    sound.write(tell_messenger, PAGE, ANA, at=clock.now() - timedelta(minutes=20))
    assert "no worker has been heard" in lines(runs)["outbox"]["words"]

    sound.write(beats.beat, "w", at=clock.now())

    line = lines(runs)["outbox"]
    assert ("fault", "threadlink outbox list") == (line["verdict"], line["mend"])
    assert "1 at work, so the other side refuses" in line["words"]


def test_the_daily_look_warns_in_the_log_and_in_the_figures(
    sound: Services, meta: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    R104: by `threadlink worker` itself, five minutes after its start and then each day.
    """
    moment = start = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    sound.worker.run_once()
    meta.state.app_subscription = None
    told = []

    for minutes in (5, 6, 5 + 24 * 60):
        moment = start + timedelta(minutes=minutes)
        with capture_logs() as lines_of_it:
            sound.worker.run_once()
        told.append([line for line in lines_of_it if line["event"] == "setup.fault"])

    assert [1, 0, 1] == [len(warned) for warned in told]
    assert ("app subscription", "threadlink setup") == (told[0][0]["subject"], told[0][0]["mend"])
    assert 1 == sound.read(beats.crew, at=moment).faults


def test_old_tables_are_named(sound: Services, runs: Runs) -> None:
    schema.downgrade(sound.engine, "0001")

    line = lines(runs)["database"]

    assert ("fault", "threadlink db upgrade") == (line["verdict"], line["mend"])


def test_a_queue_that_nobody_works_on_is_named(sound: Services, runs: Runs) -> None:
    sound.write(tell_messenger, PAGE, ANA, at=clock.now() - timedelta(minutes=20))

    line = lines(runs)["outbox"]

    assert "fault" == line["verdict"]
    assert "1 things wait, the oldest for 20 minutes" in line["words"]


def test_deliveries_that_were_refused_are_named(sound: Services, runs: Runs) -> None:
    soon = intake.minute_of(clock.now() + timedelta(minutes=1))
    sound.write(intake.add, {(soon, "refused"): 3})

    line = lines(runs)["deliveries"]

    assert "fault" == line["verdict"]
    assert "App secret" in line["mend"]


def test_the_previous_secret_is_named_while_meta_signs_with_it(sound: Services, runs: Runs) -> None:
    """
    R44: before the old secret is thrown away, one must know that nothing needs it.
    """
    soon = intake.minute_of(clock.now() + timedelta(minutes=1))
    sound.write(intake.add, {(soon, "previous"): 1})

    line = lines(runs)["deliveries"]

    assert "warning" == line["verdict"]
    assert "APP_SECRET_PREVIOUS" in line["words"]


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
    found = check_subscriptions(services.meta())
    return [finding.subject for finding in found if finding.verdict == "fault"]
