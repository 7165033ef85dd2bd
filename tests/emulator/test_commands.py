"""The subcommands of `threadlink emulator`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.emulator import all_details, emulator
from app.emulator import EmulatorServer, EmulatorSettings
from app.emulator.context import emulator_of
from tests.emulator.webhook_server import Webhook

Run = Callable[..., Result]


@pytest.fixture
def server(settings: EmulatorSettings) -> Iterator[EmulatorServer]:
    with EmulatorServer(settings) as server:
        yield server


@pytest.fixture
def run(server: EmulatorServer, settings: EmulatorSettings, tmp_path: Path) -> Run:
    """Return a function that runs a subcommand against the running emulator."""
    whereabouts = tmp_path / "emulator.json"
    whereabouts.write_text(json.dumps(all_details(settings, server.description)))

    def run(*words: str) -> Result:
        return CliRunner().invoke(emulator, [*words, "--at", str(whereabouts)])

    return run


def test_trigger_delivers_and_says_so(run: Run, webhook: Webhook) -> None:
    result = run("trigger", "linked", "--code", "tl_4f", "--twice", "--late", "1h")

    first, second = webhook.events()
    assert 0 == result.exit_code
    assert "linked: delivered for" in result.output
    assert first == second
    assert "tl_4f" == first["account_linking"]["authorization_code"]


def test_get_started_is_sent_with_the_ref_of_a_link(run: Run, webhook: Webhook) -> None:
    result = run("trigger", "get-started", "--ref", "summer-26")

    assert 0 == result.exit_code
    assert "summer-26" == webhook.events()[0]["postback"]["referral"]["ref"]


def test_a_failed_trigger_exits_with_reason_and_fix(run: Run, webhook: Webhook) -> None:
    webhook.status = 404

    result = run("trigger", "unlinked")
    as_json = run("trigger", "unlinked", "--json")

    assert 1 == result.exit_code
    assert "answered 404" in result.output
    assert 404 == json.loads(as_json.stdout)["failure"]["status"]


def test_faults_are_listed_turned_on_and_off(run: Run, server: EmulatorServer) -> None:
    held = emulator_of(server.app)

    run("fault", "webhook-500", "--times", "2")
    on = held.faults.on()
    listed = run("faults").output
    run("fault", "webhook-500", "--off")

    assert {"webhook-500": 2} == on
    assert "on  webhook-500" in listed
    assert "    unsigned" in listed
    assert {} == held.faults.on()


def test_skip_moves_the_clock_forward(run: Run, server: EmulatorServer) -> None:
    run("skip", "90s")

    assert 90 == emulator_of(server.app).clock.ahead.total_seconds()


def test_skip_back_sets_the_clock_back(run: Run, server: EmulatorServer) -> None:
    run("skip", "90s")

    result = run("skip", "--back")

    assert 0 == result.exit_code, result.output
    assert not emulator_of(server.app).clock.ahead


@pytest.mark.parametrize("words", [[], ["1h", "--back"]])
def test_skip_needs_a_span_or_back(words: list[str], run: Run) -> None:
    result = run("skip", *words)

    assert 2 == result.exit_code
    assert "either a SPAN or --back" in result.output


def test_fault_and_skip_print_json(run: Run) -> None:
    on = json.loads(run("fault", "webhook-500", "--times", "2", "--json").stdout)
    off = json.loads(run("fault", "webhook-500", "--off", "--json").stdout)
    skipped = json.loads(run("skip", "90s", "--json").stdout)

    assert ("webhook-500", True, 2) == (on["name"], on["is_on"], on["times"])
    assert ("webhook-500", False) == (off["name"], off["is_on"])
    assert 90 == skipped["ahead_seconds"]


@pytest.mark.parametrize("span", ["", "h", "1", "1w", "-1h", "1.5h", "9" * 30 + "d", "\u0661h"])
def test_an_invalid_span_is_refused_with_a_sentence(
    span: str, run: Run, server: EmulatorServer
) -> None:
    result = run("trigger", "linked", "--late", span)

    assert 2 == result.exit_code
    assert "not a time span" in result.output
    assert [] == emulator_of(server.app).journal.entries()


@pytest.mark.parametrize("content", [None, "{}", "[]", "no"])
def test_without_an_emulator_the_command_says_what_to_do(
    content: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "emulator.json"
    if content is not None:
        path.write_text(content)

    result = CliRunner().invoke(emulator, ["skip", "1h", "--at", str(path)])

    assert 1 == result.exit_code
    assert "emulator" in result.output
    assert "Traceback" not in result.output
