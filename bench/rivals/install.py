"""Other Messenger servers, installed once into a cache outside of this tree."""

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "threadlink-bench"
# What Bottender asks for besides is the newest of it that a registry may not have yet.
BOTTENDER_OVERRIDES = {"typedarray.prototype.slice": "1.0.5"}


def node(name: str, packages: tuple[str, ...], overrides: dict[str, str] | None = None) -> str:
    """Install *packages* from npm as *name*; return why that could not be, or nothing."""
    where = CACHE / name
    if (where / "complete").exists():
        return ""
    if shutil.which("npm") is None:
        return "npm is not installed"
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    (where / "package.json").write_text(
        json.dumps({"private": True, "overrides": overrides or {}}), encoding="utf-8"
    )
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    install += ["--legacy-peer-deps", *packages]
    if subprocess.run(install, cwd=where, check=False, timeout=600).returncode:
        return "npm could not install it"
    (where / "complete").touch()
    return ""


def fbmq() -> str:
    """Install fbmq from PyPI; return why that could not be, or nothing."""
    where = CACHE / "python"
    if (where / "bin/granian").exists():
        return ""
    venv.create(where, with_pip=True, clear=True)
    pip = [where / "bin/python", "-m", "pip", "install", "--quiet", "fbmq==2.5", "flask", "granian"]
    done = subprocess.run(pip, check=False, timeout=600)
    return "pip could not install it" if done.returncode else ""
