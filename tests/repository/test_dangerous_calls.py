"""Calls that the program never makes, searched for in its source."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What runs or loads what a stranger may have written.
DANGEROUS = {"pickle", "marshal", "shelve", "yaml", "telnetlib", "ftplib", "xmlrpc"}


def test_nothing_loads_what_could_run() -> None:
    """R115: no pickle, no yaml, nothing that turns text into a program."""
    imported = {
        name.split(".")[0]
        for path in (ROOT / "app").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
    }

    assert set() == imported & DANGEROUS
    assert "flask" in imported


def test_bandit_finds_nothing_of_weight() -> None:
    """R114: from medium upwards; ruff's S rules run with the others."""
    command = [sys.executable, "-m", "bandit", "--quiet", "-ll", "--recursive", "app"]

    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own words

    assert 0 == found.returncode, found.stdout


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
