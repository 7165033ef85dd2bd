"""Mistyped names, contradicting ports, a closed terminal, and the place of the audit line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import URL

from app.cli import audit, main
from app.emulator import FAULTS
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.conftest import on_sqlite
from tests.installation import ENVIRONMENT
from tests.ports import free_port


@pytest.mark.parametrize(
    ("line", "meant"),
    [("lnks", "links"), ("link", "links"), ("LINKS", "links"), ("links shw", "show")],
)
def test_a_mistyped_command_has_a_suggestion(line: str, meant: str) -> None:
    result = CliRunner().invoke(main, line.split())

    assert 2 == result.exit_code
    assert f"Did you mean '{meant}'?" in result.output


@pytest.mark.parametrize("line", ["emulator fault {}", "emulator --fault {}"])
def test_a_mistyped_fault_is_not_answered_with_all_of_them(line: str) -> None:
    result = CliRunner().invoke(main, line.format("graph_slo").split())
    unknown = CliRunner().invoke(main, line.format("nonsense").split())

    assert (2, 2) == (result.exit_code, unknown.exit_code)
    for answer in (result, unknown):
        assert "threadlink emulator faults lists all." in answer.output
        assert sum(fault in answer.output for fault in FAULTS) <= 3


@on_sqlite
def test_the_audit_line_is_the_last_one_also_of_a_failure(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R111: it neither parts an answer nor stands in front of the error."""
    monkeypatch.setattr(audit, "SYSTEM_LOG", tmp_path / "none")

    result = Operator(services).types("accounts", "disable", "nobody")

    *others, last = result.stderr.splitlines()
    assert "accounts disable" == json.loads(last)["command"]
    assert others
    assert others[-1].startswith("Error: ")
    # No line is left for the next command of this process.
    assert "command.run" not in Operator(services).types("keys", "list").stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGHUP")
@on_sqlite
def test_run_tells_of_another_port_and_stops_in_order_when_its_terminal_closes(
    database: URL, tmp_path: Path
) -> None:
    """SIGHUP ended it without a word, and without the end of its worker."""
    # Under nohup the tests, and what they start, ignore the signal.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    env = {**os.environ, **ENVIRONMENT}
    env["DATABASE_URL"] = database.render_as_string(hide_password=False)
    program = [sys.executable, "-c", "from app.cli import main; main()"]
    with subprocess.Popen(  # noqa: S603 - our own program
        [*program, "run", "--port", str(free_port())],
        cwd=tmp_path,
        env={**env, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        begun: list[str] = []
        while not (begun and begun[-1].startswith("Warning: links and pages lead to PUBLIC_URL")):
            line = process.stderr.readline()
            assert line, begun
            begun.append(line)
        process.send_signal(signal.SIGHUP)
        rest = process.stderr.read()

    assert 0 == process.returncode
    assert rest.endswith("Stopped.\n")
