"""The list of commands, and lazy imports: of commands, and of libraries few settings need."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from app.cli import COMMANDS, SECTIONS, main
from tests.installation import ENVIRONMENT

SEES = "import sys; {}; print(*sorted(sys.modules))"
SERVER = (
    "import app.cli.serve; from app.services.settings import load_settings; "
    "from app.web.reloading import make_gateway; make_gateway(load_settings(), is_alone=True)"
)
# Each costs too much time or memory to load in a server that does not use it.
ON_DEMAND = {
    "alembic",
    "authlib",
    "cryptography",
    "joserfc",
    "ldap3",
    "passlib",
    "prometheus_client",
}


def loaded_by(code: str, folder: Path) -> set[str]:
    """Return the modules of a fresh interpreter that has run *code* with settings."""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", SEES.format(code)],
        env={**os.environ, **ENVIRONMENT, "DATABASE_URL": f"sqlite:///{folder}/x.sqlite"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_the_list_of_commands_loads_none_of_them(tmp_path: Path) -> None:
    code = "from app.cli import main; main(['--help'], standalone_mode=False)"
    modules = loaded_by(code, tmp_path)

    assert not {name for name in modules if name.startswith("app.cli.")}
    assert "sqlalchemy" not in modules


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_by_the_first_sentence_of_its_help(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert command.name == name
    assert " ".join((command.help or "").split()).startswith(COMMANDS[name][1])


def test_the_list_shows_each_command_on_a_line_under_its_heading() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output

    width = max(map(len, COMMANDS))
    lines = {f"{name}:" for name in SECTIONS} | {
        f"  {name.ljust(width)}  {summary}" for name, (_, summary) in COMMANDS.items()
    }
    assert lines <= set(shown.splitlines())


def test_nothing_of_flask_s_command_line_is_offered() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output

    foreign = ("shell", "routes", "--app", "--debug", "flask", "dotenv must be")
    assert [] == [words for words in foreign if words in shown.lower()]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_line_of_a_list_is_a_whole_sentence(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    commands = command.commands.values() if isinstance(command, click.Group) else ()
    shown = CliRunner().invoke(main, [name, "--help"]).output

    assert COMMANDS[name][1].endswith(".")
    for listed in commands:
        assert re.search(rf"(?m)^  {listed.name} +[A-Z].*[^.]\.$", shown)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("lnks", "Did you mean 'links'?"), ("sreve", "Did you mean 'serve'?"), ("zzz", "'zzz'.\n")],
)
def test_a_mistyped_command_is_answered_with_the_nearest(typed: str, hint: str) -> None:
    result = CliRunner().invoke(main, [typed])

    assert 2 == result.exit_code
    assert hint in result.output


def test_a_file_of_settings_overrides_dotenv_and_the_environment_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("APP_ID=x\nPAGE_ID=x\nPUBLIC_URL=x")
    (tmp_path / "file").write_text("PAGE_ID=1\nPUBLIC_URL=y")
    environment = {"PUBLIC_URL": "https://example.com"}
    # So that it is removed again at the end.
    monkeypatch.setenv("PAGE_ID", "")
    monkeypatch.delenv("PAGE_ID")

    result = CliRunner(env=environment).invoke(main, ["-e", "file", "db", "status"])

    assert 1 == result.exit_code
    assert "APP_ID must" in result.output
    assert not [name for name in ("PAGE_ID", "PUBLIC_URL") if f"{name} must" in result.output]


def test_a_command_that_serves_nothing_loads_no_flask(tmp_path: Path) -> None:
    names = ["accounts", "db", "doctor", "links", "outbox", "setup"]
    modules = loaded_by("import " + ", ".join(f"app.cli.{name}" for name in names), tmp_path)

    assert {f"app.cli.{name}" for name in names} <= modules
    assert "flask" not in modules


@pytest.mark.parametrize("code", [SERVER, "import app.cli.worker"], ids=["serve", "worker"])
def test_a_server_loads_no_library_that_it_does_not_use(code: str, tmp_path: Path) -> None:
    modules = loaded_by(code, tmp_path)

    assert not ON_DEMAND & modules
    assert not {name for name in modules if name.startswith("app.emulator")}
