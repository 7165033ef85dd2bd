"""`threadlink doctor` names each problem on our own side: the database, the outbox, deliveries."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from app.infra import clock
from app.linking import delivery_counts
from app.linking.graph_unlink import KIND, enqueue_unlink
from app.outbox import heartbeats, queue
from app.outbox.circuit_breaker import Cause, OpenCircuit
from app.outbox.queue import Lane, LaneKey
from app.services.container import Services
from app.setup.local_checks import check_deliveries, check_privacy
from tests.conftest import on_sqlite
from tests.installation import ANA, NOON, PAGE
from tests.setup.conftest import Runs, lines


@on_sqlite
def test_a_full_disk_is_named(sound: Services, environment: dict[str, str], tmp_path: Path) -> None:
    """
    To look whether nothing can be deleted would pass: a full disk takes that.
    """
    path = Path(str(sound.engine.url.database))
    log = path.with_name(f"{path.name}-wal")
    # What SQLite writes goes to the end of its log, and that can grow no more.
    while log.stat().st_size < 100_000:
        sound.write(heartbeats.record_heartbeat, "w", at=clock.now())
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
    assert "PROBLEM  database: takes no writes" in run.stdout, run.stdout + run.stderr
    assert "the disk is full" in run.stdout
    assert f"fix: df -h {path.parent} && ls -l {path}" in run.stdout


def test_a_failing_receiver_is_told_from_a_slow_and_from_a_missing_worker(
    sound: Services, runs: Runs
) -> None:
    """With the words of /readyz and the log: nobody has refused what was never tried."""
    at = clock.now()
    circuit = OpenCircuit(KIND, at, Cause.UNREACHABLE, "ConnectTimeoutError")
    sound.write(enqueue_unlink, PAGE, ANA, at=at - timedelta(minutes=20))
    told = {}
    for why, circuits in ("no worker", None), ("a slow one", []), ("no connection", [circuit]):
        if circuits is not None:
            sound.write(heartbeats.record_heartbeat, "w", circuits, at=at)
        line = lines(runs, WORKERS="1")["outbox"]
        assert line["verdict"] == "fault"
        told[why] = line["words"].partition("minutes: ")[2], line["mend"]

    assert told == {
        "no worker": ("no worker runs", "systemctl restart threadlink"),
        "a slow one": ("the worker has more to do than it can", "threadlink outbox status"),
        "no connection": (
            "the target takes nothing: there is no connection to it (ConnectTimeoutError)",
            "threadlink outbox status",
        ),
    }


@pytest.mark.parametrize(
    ("workers", "mend"),
    [("1", "systemctl restart threadlink"), ("2", "systemctl start threadlink-worker")],
)
def test_a_queue_that_nobody_works_on_is_named(
    workers: str, mend: str, sound: Services, runs: Runs
) -> None:
    """
    One process has the worker inside; several want one beside them.
    """
    sound.write(enqueue_unlink, PAGE, ANA, at=clock.now() - timedelta(minutes=20))

    line = lines(runs, WORKERS=workers)["outbox"]

    assert ("fault", mend) == (line["verdict"], line["mend"])
    assert "1 waiting, graph.unlink overdue for 20 minutes: no worker runs" == line["words"]


def test_what_waits_for_a_short_while_is_no_fault(sound: Services, runs: Runs) -> None:
    sound.write(enqueue_unlink, PAGE, ANA, at=clock.now() - timedelta(minutes=4))

    line = lines(runs)["outbox"]

    assert ("ok", "1 waiting") == (line["verdict"], line["words"])


def test_dead_letters_are_a_warning(sound: Services, runs: Runs) -> None:
    """
    R99: what was given up can still be had; nothing else tells whoever does not look for it.
    """
    sound.write(enqueue_unlink, PAGE, ANA, at=NOON)
    (claim,) = sound.write(
        queue.claim, LaneKey(KIND, Lane.FRESH), limit=1, lease=timedelta(0), at=NOON
    )
    sound.write(queue.dead_letter, claim, failure="status 400")

    result = runs("doctor")

    assert 0 == result.exit_code, result.output
    assert "warning  outbox: 1 dead letters" in result.stdout
    assert "threadlink outbox list --state dead" in result.stdout


def test_deliveries_that_were_refused_are_named(sound: Services, runs: Runs) -> None:
    soon = delivery_counts.minute_of(clock.now() + timedelta(minutes=1))
    sound.write(delivery_counts.add, {(soon, "refused"): 3})

    line = lines(runs)["deliveries"]

    assert "fault" == line["verdict"]
    assert "App secret" in line["mend"]


def test_the_previous_secret_is_named_while_meta_signs_with_it(sound: Services, runs: Runs) -> None:
    """
    R44: before the old secret is thrown away, one must know that nothing needs it.
    """
    soon = delivery_counts.minute_of(clock.now() + timedelta(minutes=1))
    sound.write(delivery_counts.add, {(soon, "previous"): 1})

    line = lines(runs)["deliveries"]

    assert "warning" == line["verdict"]
    assert "APP_SECRET_PREVIOUS" in line["words"]


def test_that_no_delivery_has_come_is_a_warning(server: Services, runs: Runs) -> None:
    """
    So it is after `threadlink setup`, until somebody writes to the Page.
    """
    line = lines(runs)["deliveries"]

    assert "warning" == line["verdict"]
    assert "none with Messenger's signature has arrived within 30 days" == line["words"]
    assert "write to the Page in Messenger" in line["mend"]
    assert server.read(delivery_counts.last) == {}


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(
    ("ways", "verdict"), [("oidc:google", "fault"), ("local oidc:google", "ok")]
)
def test_a_page_on_which_nobody_can_sign_in_is_named(ways: str, verdict: str, runs: Runs) -> None:
    """
    R55: whoever taps Log In comes with Messenger's own browser, which Google refuses.
    """
    google = {
        "OIDC_GOOGLE_ISSUER": "https://accounts.google.com",
        "OIDC_GOOGLE_CLIENT_ID": "threadlink",
        "OIDC_GOOGLE_CLIENT_SECRET": "s3cret",
    }

    line = lines(runs, AUTHENTICATORS=ways, **google)[f"sign-in of page {PAGE}"]

    assert verdict == line["verdict"]
    told = "no sign-in method works inside Messenger: Google cannot be used there"
    assert (told == line["words"]) is (verdict == "fault")
    assert line["mend"].startswith("AUTHENTICATORS") is (verdict == "fault")


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# What came last, how long ago by each outcome; the verdict, and how it is told.
HEARD: dict[str, tuple[dict[str, timedelta], str, str]] = {
    "a moment ago": ({"current": timedelta(0)}, "ok", "the last one came 0 min ago"),
    "by a clock that was put back": ({"current": -HOUR}, "ok", "the last one came 0 min ago"),
    "minutes ago": ({"current": 119 * MINUTE}, "ok", "the last one came 119 min ago"),
    "hours ago": ({"current": 2 * HOUR}, "ok", "the last one came 2 h ago"),
    "days ago": ({"current": 49 * HOUR}, "ok", "the last one came 2 days ago"),
    "refused, then fixed": ({"refused": HOUR, "current": MINUTE}, "ok", "the last one came 1 min"),
    "refused after good ones": (
        {"refused": MINUTE, "current": HOUR},
        "problem",
        "the last one, 1 min ago, was refused for its signature",
    ),
    "refused long ago": ({"refused": 2 * DAY, "current": 3 * DAY}, "ok", "came 3 days ago"),
    "nothing but refused ones, long ago": (
        {"refused": 2 * DAY},
        "warning",
        "none with Messenger's",
    ),
    "the secret before, and then the new one": (
        {"previous": HOUR, "current": MINUTE},
        "ok",
        "came 1 min ago, signed with APP_SECRET",
    ),
    "the new secret, and then the one before": (
        {"previous": MINUTE, "current": HOUR},
        "warning",
        "the last one, 1 min ago, was signed with APP_SECRET_PREVIOUS",
    ),
}


@pytest.mark.parametrize(("ago", "verdict", "told"), HEARD.values(), ids=HEARD.keys())
def test_when_and_how_messenger_was_heard_last_is_told(
    ago: dict[str, timedelta], verdict: str, told: str
) -> None:
    last = {outcome: NOON - since for outcome, since in ago.items()}

    found = check_deliveries(last, kept=30 * DAY, at=NOON)

    assert verdict == found.verdict
    assert told in found.words


@pytest.mark.parametrize(
    ("waiting", "days", "verdict"), [(0, 0, "ok"), (1, 29, "warning"), (1, 30, "problem")]
)
def test_requests_to_be_erased_that_wait_are_named(waiting: int, days: int, verdict: str) -> None:
    finding = check_privacy(waiting=waiting, days=days, within=30)

    assert verdict == finding.verdict
    assert ("threadlink privacy list" == finding.fix) == bool(waiting)
