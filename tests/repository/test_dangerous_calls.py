"""Calls that the program never makes, searched for in its source."""

import ast
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


def test_the_tests_begin_with_bandit() -> None:
    """R114: from medium upwards; ruff's S rules run with the others."""
    makefile = (ROOT / "Makefile").read_text()

    assert "\n\t.venv/bin/bandit --quiet -ll --recursive app\n" in makefile
    assert "\ntest: check\n" in makefile


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
