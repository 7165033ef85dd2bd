"""A line for each command that changes something (R111)."""

import ast
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import URL

from app.cli import audit, main
from app.services.container import build
from tests.cli.terminal import Operator
from tests.installation import PASSWORD, USERNAME, settings_for

ROOT = Path(__file__).parents[2]

# They change nothing of the business: they look, or start what writes a log of its own.
NOT_AUDITED = {
    "accounts.list_", "attempts.follow", "attempts.show", "db.status", "demo.demo",
    "doctor.doctor", "keys.list_", "links.show", "messenger.get_url", "messenger.profile",
    "messenger.psid", "outbox.list_", "outbox.show", "outbox.status", "run.run", "serve.serve",
    "worker.worker",
}  # fmt: skip


@pytest.fixture
def system_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(10)
        monkeypatch.setattr(audit, "SYSTEM_LOG", path)
        yield listener


def told(system_log: socket.socket) -> dict[str, Any]:
    line = system_log.recv(65536).rstrip(b"\x00").decode()
    priority, _, rest = line.partition(">threadlink: ")
    # authpriv (10) and info (6): RFC 5424, section 6.2.1.
    assert f"<{10 * 8 + 6}" == priority
    found: dict[str, Any] = json.loads(rest)
    return found


def test_who_added_an_account_stands_in_the_system_s_log(
    operator: Operator, system_log: socket.socket
) -> None:
    """R111: by name, and without the password."""
    result = operator.types("accounts", "add", USERNAME, told=f"{PASSWORD}\n")

    line = told(system_log)
    assert ("command.run", "accounts add", "done") == (
        line["event"], line["command"], line["result"],
    )  # fmt: skip
    assert {"username": USERNAME} == line["given"]
    assert line["actor"]
    assert line["timestamp"].endswith("Z")
    assert PASSWORD not in str(line)
    # The operator is told what was done, and nothing else.
    assert f"Added {USERNAME}. This person can now sign in when Messenger asks.\n" == result.output


def test_what_was_refused_is_written_down_as_well(
    operator: Operator, system_log: socket.socket
) -> None:
    """R111: the result is part of the line."""
    operator.types("accounts", "disable", "nobody\n{}")

    line = told(system_log)
    assert ("accounts disable", "failed") == (line["command"], line["result"])


def test_a_new_key_is_not_in_the_line(operator: Operator, system_log: socket.socket) -> None:
    """R110, R111."""
    key = operator.types("keys", "create", "bot").output.splitlines()[0]

    line = told(system_log)
    assert "keys create" == line["command"]
    assert key.startswith("tlk_")
    assert key not in str(line)


def test_a_machine_without_a_log_of_its_own_is_told_on_stderr(
    database: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R111: as in a container, and whatever else LOG_LEVEL keeps out of the log."""
    monkeypatch.setattr(audit, "SYSTEM_LOG", tmp_path / "none")
    services = build(settings_for(database, LOG_LEVEL="error", LOG_FORMAT="console"))

    result = Operator(services).types("keys", "revoke", "0123456789")
    services.close()

    (line,) = [json.loads(said) for said in result.stderr.splitlines() if said.startswith("{")]
    assert ("command.run", "keys revoke", "info") == (line["event"], line["command"], line["level"])
    assert "command.run" not in result.stdout


@pytest.mark.parametrize("settings", [{}, {"LOG_LEVEL": "error"}], ids=str)
def test_a_command_that_the_settings_stop_is_written_down(
    system_log: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: dict[str, str],
) -> None:
    """R111: `setup` reads them itself; what is missing in them says nothing about the log."""
    monkeypatch.chdir(tmp_path)

    result = CliRunner(env=settings).invoke(main, ["setup", "--dry-run"])

    line = told(system_log)
    assert ("setup", "failed", {"dry_run": "True"}) == (
        line["command"], line["result"], line["given"],
    )  # fmt: skip
    assert "is not set" in result.stderr
    assert "" == result.stdout


def test_no_command_is_forgotten() -> None:
    """R111: each either leaves a line or is known to change nothing."""
    found = {
        f"{path.stem}.{node.name}": "audited" in map(ast.unparse, node.decorator_list)
        for path in (ROOT / "app/cli").glob("*.py")
        if not path.stem.startswith("emulator")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and any(".command(" in ast.unparse(one) for one in node.decorator_list)
    }

    assert NOT_AUDITED == {name for name, is_audited in found.items() if not is_audited}
    assert len(found) > len(NOT_AUDITED)
