"""The cache of other people's programs: each is installed once, outside of this tree."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fidelity.programs import Program

HERE = Path(__file__).parent
_SECONDS = 600
_NPM = ("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps")


def command_for(program: Program) -> tuple[list[str], Path]:
    """Return the command and the folder to run *program* in; installs it if it is missing.

    Raises:
        subprocess.CalledProcessError: The registry does not have it.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "threadlink-fidelity" / f"{program.name}-{program.version}"
    done = folder / "done"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install = _install_npm if program.registry == "npm" else _install_pypi
        install(program, folder)
        done.touch()
    script = str(HERE / program.script)
    if program.registry == "npm":
        return ["node", script], folder
    return [str(folder / "venv" / "bin" / "python"), script], folder


def _install_npm(program: Program, folder: Path) -> None:
    package = {"private": True, "overrides": program.overrides}
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    _run([*_NPM, f"{program.name}@{program.version}", *program.beside], folder)


def _install_pypi(program: Program, folder: Path) -> None:
    _run([sys.executable, "-m", "venv", "venv"], folder)
    packages = [f"{program.name}=={program.version}", *program.beside]
    _run(["venv/bin/pip", "install", "--quiet", *packages], folder)


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, timeout=_SECONDS, capture_output=True)
