"""`threadlink_testing` in a project of its own, as docs/testing.md shows it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_EXAMPLE = re.compile(r"```python\n# (?P<path>[\w./]+)\n(?P<text>.*?)```", re.DOTALL)


def example(folder: Path) -> None:
    """Write the files of the Python example into *folder*; its package is called app."""
    documented = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    for block in _EXAMPLE.finditer(documented):
        path = folder / block["path"]
        path.parent.mkdir(exist_ok=True)
        path.write_text(block["text"], encoding="utf-8")


def pytest_in(folder: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."]
    run = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    return run.stdout + run.stderr


def test_the_documented_example_passes_in_a_project_with_its_own_app(tmp_path: Path) -> None:
    example(tmp_path)

    output = pytest_in(tmp_path)

    assert "9 passed" in output
    assert "failed" not in output


def test_a_mistake_in_the_server_under_test_is_found(tmp_path: Path) -> None:
    """
    Otherwise the example could pass whatever the server does.
    """
    example(tmp_path)
    shop = tmp_path / "app" / "shop.py"
    shop.write_text(shop.read_text().replace("if not hmac.compare_digest(", "if () and ("))

    output = pytest_in(tmp_path)

    assert "4 failed, 5 passed" in output


def test_the_package_imports_pytest_and_requests_alone() -> None:
    imported = {
        module.partition(".")[0]
        for path in (ROOT / "threadlink_testing").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for module in modules_of(node)
    }

    assert {"pytest", "requests", "threadlink_testing"} == imported - sys.stdlib_module_names


def modules_of(node: ast.AST) -> list[str]:
    """Return the modules that *node* imports."""
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
