"""What is loaded, and when: a command for itself alone, a library where settings ask for it."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from app.cli import COMMANDS, main
from tests.installation import ENVIRONMENT

SEES = "import sys; {}; print(*sorted(sys.modules))"
SERVER = (
    "import app.cli.serve; from app.services.settings import load_settings; "
    "from app.web.reloading import make_gateway; make_gateway(load_settings(), is_alone=True)"
)
# Each takes longer to load, or more memory, than it is worth to a server that does not use it.
ON_DEMAND = {"alembic", "authlib", "cryptography", "joserfc", "ldap3", "prometheus_client"}


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
def test_a_command_is_listed_by_its_own_words(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert command.name == name
    assert " ".join((command.help or "").split()).startswith(COMMANDS[name][1])


def test_the_list_shows_every_command() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output

    assert all(f"  {name} " in shown for name in [*COMMANDS, "shell", "routes"])


@pytest.mark.parametrize("code", [SERVER, "import app.cli.worker"], ids=["serve", "worker"])
def test_a_server_loads_no_library_that_few_need(code: str, tmp_path: Path) -> None:
    modules = loaded_by(code, tmp_path)

    assert not ON_DEMAND & modules
    assert not {name for name in modules if name.startswith("app.emulator")}
