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

# They change nothing: they show something, or start a program with a log of its own.
NOT_AUDITED = {
    "accounts.list_",
    "accounts_show.show",
    "alerts.test",
    "attempts_causes.causes",
    "attempts_list.list_",
    "attempts.follow",
    "attempts.show",
    "audit_list.list_",
    "db.status",
    "demo.demo",
    "doctor.doctor",
    "invitations.list_",
    "invitations.show",
    "keys.list_",
    "operators.list_",
    "pages.show",
    "privacy.list_",
    "links.show",
    "messenger.get_url",
    "messenger.profile",
    "messenger.psid",
    "outbox.list_",
    "outbox.show",
    "outbox.status",
    "run.run",
    "serve.serve",
    "worker.worker",
}


@pytest.fixture
def system_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(10)
        monkeypatch.setattr(audit, "SYSTEM_LOG", path)
        yield listener


def audit_line(system_log: socket.socket) -> dict[str, Any]:
    line = system_log.recv(65536).rstrip(b"\x00").decode()
    priority, _, rest = line.partition(">threadlink: ")
    # authpriv (10) and info (6): RFC 5424, section 6.2.1.
    assert f"<{10 * 8 + 6}" == priority
    line_fields: dict[str, Any] = json.loads(rest)
    return line_fields


def test_the_actor_of_a_change_is_in_the_system_log(
    operator: Operator, system_log: socket.socket
) -> None:
    """R111: with the account's name, and without the password."""
    result = operator.types("accounts", "add", USERNAME, told=f"{PASSWORD}\n")

    line = audit_line(system_log)
    assert ("command.run", "accounts add", "done") == (
        line["event"],
        line["command"],
        line["result"],
    )
    assert {"username": USERNAME} == line["given"]
    assert line["actor"]
    assert line["timestamp"].endswith("Z")
    assert PASSWORD not in str(line)
    # The operator sees the result, and no audit line.
    assert result.output.startswith(f"Added {USERNAME}. This person can now sign in when")
    assert "command.run" not in result.output


def test_a_refused_command_is_logged_as_well(operator: Operator, system_log: socket.socket) -> None:
    """R111: the result is part of the line."""
    operator.types("accounts", "disable", "nobody\n{}")

    line = audit_line(system_log)
    assert ("accounts disable", "failed") == (line["command"], line["result"])


def test_a_new_key_is_not_in_the_line(operator: Operator, system_log: socket.socket) -> None:
    """R110, R111."""
    key = operator.types("keys", "create", "bot").output.splitlines()[0]

    line = audit_line(system_log)
    assert "keys create" == line["command"]
    assert key.startswith("tlk_")
    assert key not in str(line)


def test_without_a_system_log_the_line_goes_to_stderr(
    database: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R111: as in a container, and whatever LOG_LEVEL says."""
    monkeypatch.setattr(audit, "SYSTEM_LOG", tmp_path / "none")
    services = build(settings_for(database, LOG_LEVEL="error", LOG_FORMAT="console"))

    result = Operator(services).types("keys", "revoke", "0123456789")
    services.close()

    (line,) = [json.loads(text) for text in result.stderr.splitlines() if text.startswith("{")]
    assert ("command.run", "keys revoke", "info") == (line["event"], line["command"], line["level"])
    assert "command.run" not in result.stdout


@pytest.mark.parametrize("settings", [{}, {"LOG_LEVEL": "error"}], ids=str)
def test_a_command_that_fails_for_its_settings_is_logged(
    system_log: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: dict[str, str],
) -> None:
    """R111: `setup` reads the settings itself; the log does not depend on them."""
    monkeypatch.chdir(tmp_path)

    result = CliRunner(env=settings).invoke(main, ["setup", "--dry-run"])

    line = audit_line(system_log)
    assert ("setup", "failed", {"dry_run": "True"}) == (
        line["command"],
        line["result"],
        line["given"],
    )
    assert "is not set" in result.stderr
    assert "" == result.stdout


def test_no_command_is_forgotten() -> None:
    """R111: every command either writes a line or is known to change nothing."""
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
